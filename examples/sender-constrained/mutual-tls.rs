//! An API whose tokens are worth nothing without their client's certificate (mutual TLS, RFC 8705), with
//! the issuer of the test kit, an authority and two clients: an application names a real issuer. Start it
//! and paste the requests it prints, within ten minutes. The certificates and their keys are in a folder among the system's temporary ones until
//! it ends.

use std::{env, error::Error, fs, io, net::TcpListener, path::PathBuf, sync::Arc};

use actix_web::{App, Responder, get};
use example_support::https;
use jwt_verify::{
    VerifiedClaims,
    mtls::{ClientCertificate, MutualTls},
    require,
    testing::TestIssuer,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

#[require]
#[get("/orders")]
async fn orders(claims: VerifiedClaims) -> impl Responder {
    format!("orders of {}\n", claims.subject().unwrap_or("stranger"))
}

/// Signs the certificates of the server and of the clients.
type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate with its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let authority = authority()?;
    let server = Identity::new("localhost", &authority)?;
    let config = server_config(&server, &authority)?;

    let issuer = TestIssuer::start();
    let auth = issuer.auth().mutual_tls(MutualTls::direct()).build()?;
    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:0".into());
    let listener = TcpListener::bind(address)?;
    let url = format!("https://localhost:{}/orders", listener.local_addr()?.port());
    let app = move || App::new().wrap(auth.clone()).service(orders);
    let server = https::serve(listener, config, ClientCertificate::capture, app)?;
    let folder = Folder::new()?;
    print_requests(&folder, &issuer, &authority, &url)?;
    server.await?;
    Ok(())
}

/// A folder for private keys. Its name cannot be guessed, and other users of the machine cannot read it.
/// It is removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut name = [0; 16];
        ::aws_lc_rs::rand::fill(&mut name).map_err(|_| "there are no random numbers")?;
        let name = format!("mutual-tls-{:032x}", u128::from_ne_bytes(name));
        let path = env::temp_dir().join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // One that is there already is an error.
        builder.create(&path)?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, text: String) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn authority() -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "an authority of this example");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

impl Identity {
    fn new(name: &str, authority: &Authority) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        Ok(Self { certificate: params.signed_by(&key, authority)?, key })
    }
}

/// Clients are asked for a certificate of the authority. They may have none: there are routes and tokens
/// for which none is needed.
fn server_config(server: &Identity, authority: &Authority) -> Result<ServerConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone())?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.key.serialize_der()));
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![server.certificate.der().clone()], key)?)
}

#[expect(clippy::print_stdout, reason = "the requests to try are what this example is for")]
fn print_requests(
    folder: &Folder,
    issuer: &TestIssuer,
    authority: &Authority,
    url: &str,
) -> Result<(), Box<dyn Error>> {
    let identity = |name: &str| -> Result<_, Box<dyn Error>> {
        let identity = Identity::new(name, authority)?;
        let pem = identity.certificate.pem() + &identity.key.serialize_pem();
        let shown = format!(" --cert {}", folder.write(&format!("{name}.pem"), pem)?.display());
        Ok((ClientCertificate::from_der(identity.certificate.der()), shown))
    };
    let known = folder.write("authority.pem", authority.pem())?;
    let ((client, as_client), (_, as_thief)) = (identity("client")?, identity("thief")?);
    let bound = issuer.token().bound_to_certificate(&client).subject("ada").sign();
    let bearer = issuer.token().subject("ada").sign();
    let print = |title: &str, shown: &str, token: &str| {
        let known = known.display();
        println!(
            "# {title}\ncurl -i --cacert {known}{shown} {url} -H 'Authorization: Bearer {token}'\n"
        );
    };
    println!("An API with tokens that are bound to a certificate listens on {url}.\n");
    print("the client (200)", &as_client, &bound);
    print("a thief, with a certificate of their own (401)", &as_thief, &bound);
    print("a thief, with none (401)", "", &bound);
    print("a token that is bound to nothing (200)", "", &bearer);
    println!("Ctrl-C ends it.");
    Ok(())
}
