//! The chapters of the book: their code is compiled and run as documentation tests.

#![cfg(doctest)]

macro_rules! chapters {
    ($($name:ident = $path:literal),* $(,)?) => {
        $(
            #[doc = include_str!(concat!("../../../docs/", $path))]
            struct $name;
        )*
    };
}

chapters! {
    Concepts = "concepts.md",
    GettingStarted = "getting-started.md",
    GuidesAuthorization = "guides/authorization.md",
    GuidesClaims = "guides/claims.md",
    GuidesApiKeys = "guides/api-keys.md",
    GuidesCredentials = "guides/credentials.md",
    GuidesDpop = "guides/dpop.md",
    GuidesEndAccess = "guides/end-access.md",
    GuidesErrors = "guides/errors.md",
    GuidesIntegrations = "guides/integrations.md",
    GuidesIssuers = "guides/issuers.md",
    GuidesKeys = "guides/keys.md",
    GuidesLogin = "guides/login.md",
    GuidesIntrospection = "guides/introspection.md",
    GuidesMutualTls = "guides/mutual-tls.md",
    GuidesOpenapi = "guides/openapi.md",
    GuidesProtecting = "guides/protecting.md",
    GuidesResourceMetadata = "guides/resource-metadata.md",
    GuidesSessions = "guides/sessions.md",
    GuidesTesting = "guides/testing.md",
    Index = "index.md",
    MigrationFlaskJwtExtended = "migration/flask-jwt-extended.md",
    MigrationFlaskJwtVerification = "migration/flask-jwt-verification.md",
    ProvidersApple = "providers/apple.md",
    ProvidersAuth0 = "providers/auth0.md",
    ProvidersAuthelia = "providers/authelia.md",
    ProvidersAuthentik = "providers/authentik.md",
    ProvidersAwsAlb = "providers/aws-alb.md",
    ProvidersClerk = "providers/clerk.md",
    ProvidersCloudflareAccess = "providers/cloudflare-access.md",
    ProvidersCognito = "providers/cognito.md",
    ProvidersDescope = "providers/descope.md",
    ProvidersDex = "providers/dex.md",
    ProvidersDjangoSimplejwt = "providers/django-simplejwt.md",
    ProvidersEntra = "providers/entra.md",
    ProvidersFlaskJwtExtended = "providers/flask-jwt-extended.md",
    ProvidersFusionauth = "providers/fusionauth.md",
    ProvidersGithubActions = "providers/github-actions.md",
    ProvidersGitlabCi = "providers/gitlab-ci.md",
    ProvidersGoogle = "providers/google.md",
    ProvidersIndex = "providers/index.md",
    ProvidersKeycloak = "providers/keycloak.md",
    ProvidersKinde = "providers/kinde.md",
    ProvidersKubernetes = "providers/kubernetes.md",
    ProvidersLaravelPassport = "providers/laravel-passport.md",
    ProvidersLogto = "providers/logto.md",
    ProvidersOauthProxy = "providers/oauth2-proxy.md",
    ProvidersOkta = "providers/okta.md",
    ProvidersOryHydra = "providers/ory-hydra.md",
    ProvidersSpiffe = "providers/spiffe.md",
    ProvidersSupabase = "providers/supabase.md",
    ProvidersWorkos = "providers/workos.md",
    ProvidersZitadel = "providers/zitadel.md",
    QuickReference = "quick-reference.md",
    Troubleshooting = "troubleshooting.md",
}
