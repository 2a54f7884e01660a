//! Redis behind TLS, watched by Sentinels, and spread over a Cluster.

use jwt_verify::testing;
use jwt_verify_tests::{Authority, free_port};

use super::*;

fn hold(cache: RedisCacheBuilder) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What it does is asked here, not how many handshakes a busy machine gets done in its time.
    let cache = cache.connections(2).timeout(Duration::from_millis(250)).build().unwrap();
    runtime.block_on(testing::cache_store(cache, tokio::time::sleep));
}

/// An authority, and a server with a certificate of its.
fn tls_server() -> (RedisServer, String) {
    let authority = Authority::new();
    let identity = authority.certify("localhost");
    let mut redis = RedisServer::planned(&[]);
    let (folder, port) = (redis.folder().to_owned(), redis.port().to_string());
    std::fs::write(folder.join("server.pem"), identity.pem()).unwrap();
    std::fs::write(folder.join("server.key"), identity.key_pem()).unwrap();
    std::fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    let arguments = [
        "--port",
        "0",
        "--tls-port",
        &port,
        "--tls-cert-file",
        "server.pem",
        "--tls-key-file",
        "server.key",
        "--tls-ca-cert-file",
        "authority.pem",
        "--tls-auth-clients",
        "no",
    ];
    redis.arguments(&arguments);
    redis.run();
    (redis, authority.pem())
}

#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn tls_with_a_private_authority() {
    let (redis, authority) = tls_server();
    let url = format!("rediss://localhost:{}", redis.port());
    hold(RedisCache::builder(url).root_certificate(authority));
}

/// RED-14: a certificate that nobody vouches for, and plain text where TLS is spoken.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn tls_is_not_negotiable() {
    let (redis, _) = tls_server();
    let (_, other) = tls_server();
    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let tls = format!("rediss://localhost:{}", redis.port());
    for (number, cache) in [
        RedisCache::builder(&tls),
        RedisCache::builder(&tls).root_certificate(other),
        RedisCache::builder(redis.url()),
    ]
    .into_iter()
    .enumerate()
    {
        let api = bed.instance(cache);
        assert_eq!((bed.status(&api, &known), bed.issuer.key_fetches()), (200, number + 1));
    }
}

/// RED-11: the master is lost, and a replica takes its place.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_sentinel_failover() {
    let mut master = RedisServer::start();
    let port = master.port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    eventually("the replica is in step", || {
        replica.command(&["INFO", "replication"]).contains("master_link_status:up")
    });
    let mut sentinel = RedisServer::planned(&[]);
    let config = format!(
        "sentinel monitor main 127.0.0.1 {port} 1\n\
         sentinel down-after-milliseconds main 500\n\
         sentinel failover-timeout main 2000\n"
    );
    std::fs::write(sentinel.folder().join("sentinel.conf"), config).unwrap();
    sentinel.arguments(&["sentinel.conf", "--sentinel"]);
    sentinel.run();
    eventually("the sentinel knows the replica", || {
        sentinel.command(&["SENTINEL", "replicas", "main"]).contains(&replica.port().to_string())
    });

    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let cache = || RedisCache::sentinel([sentinel.url()], "main");
    hold(cache());
    let api = bed.instance(cache());
    assert_eq!(bed.status(&api, &known), 200);
    shared(&master);
    master.kill();
    // Nobody to be had for a while; the instances go on alone.
    let second = bed.instance(cache());
    assert_eq!(bed.status(&second, &known), 200);
    let replica_port = replica.port().to_string();
    eventually("the replica is the master", || {
        let master = ["SENTINEL", "get-master-addr-by-name", "main"];
        sentinel.command(&master).contains(&replica_port)
            && replica.command(&["ROLE"]).contains("master")
    });
    replica.command(&["FLUSHALL"]);
    std::thread::sleep(Duration::from_millis(1100));
    bed.advance(500);
    assert_eq!((bed.status(&api, &known), bed.status(&second, &known)), (200, 200));
    shared(&replica);
}

/// Three masters, and one of them is lost.
#[test]
#[ignore = "needs redis-server: ./tests/run.sh"]
fn a_cluster_loses_a_node() {
    let mut nodes: Vec<RedisServer> = (0..3)
        .map(|_| {
            let bus = free_port().to_string();
            RedisServer::with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "500",
                "--cluster-require-full-coverage",
                "no",
            ])
        })
        .collect();
    let places: Vec<String> =
        nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
    let mut create = vec!["--cluster", "create"];
    create.extend(places.iter().map(String::as_str));
    create.push("--cluster-yes");
    nodes[0].command(&create);
    for node in &nodes {
        eventually("the cluster is up", || {
            let info = node.command(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384")
        });
    }
    let urls: Vec<String> = nodes.iter().map(RedisServer::url).collect();
    let cache = || RedisCache::cluster(urls.clone());
    hold(cache());

    let known = key("k");
    let bed = RedisBed::new(&[&known]);
    let first = bed.instance(cache());
    assert_eq!(bed.status(&first, &known), 200);
    eventually("the key set is in the cluster", || {
        nodes.iter().any(|node| !node.names("*:keys:*").is_empty())
    });
    let second = bed.instance(cache());
    assert_eq!((bed.status(&second, &known), bed.issuer.key_fetches()), (200, 1));

    let home = nodes.iter().position(|node| !node.names("*:keys:*").is_empty()).unwrap();
    nodes[home].kill();
    let third = bed.instance(cache());
    assert_eq!(bed.status(&third, &known), 200);
    bed.advance(500);
    for api in [&first, &second, &third] {
        assert_eq!(bed.status(api, &known), 200);
    }
}
