//! Whom the functions believe to be AWS, and whom GitHub.
//!
//! By default every client parses all root certificates of the system when it is built, which is
//! nine tenths of the instructions of a start. AWS's endpoints need the five of Amazon Trust Services; for
//! GitHub's, Mozilla's are compiled in, parsed. Any other host is believed by the system's root
//! certificates, which are read when one is first asked.
//!
//! Where somebody names root certificates of their own or a proxy, all is left to the defaults, which
//! know these settings.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use reqwest::Url;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::env::Env;

const AMAZON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/amazon.pem"));

/// Settings by which a user says whom to trust, or through whom to go.
const OF_USERS: [&str; 8] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The SDK's HTTP client; nothing where its default is right.
pub(crate) fn of_aws(env: &Env) -> Option<SharedHttpClient> {
    if is_of_users(env) {
        return None;
    }
    let client = || Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let amazon = TrustStore::empty().with_pem_certificate(AMAZON);
    let amazon = TlsContext::builder().with_trust_store(amazon).build().ok()?;
    Some(SharedHttpClient::new(ByHost {
        amazon: client().tls_context(amazon).build_https(),
        system: client().build_https(),
    }))
}

/// How GitHub's own address is reached; nothing where the system's root certificates are needed, as
/// for a GitHub Enterprise Server.
pub(crate) fn of_github(env: &Env, api: &Url) -> Option<ClientConfig> {
    let is_public = api.scheme() == "http" || api.host_str() == Some("api.github.com");
    if is_of_users(env) || !is_public {
        return None;
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = aws_lc_rs::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(config)
}

fn is_of_users(env: &Env) -> bool {
    OF_USERS.into_iter().any(|variable| env.is_set(variable))
}

/// Sends a request with the client whose root certificates are right for its host. Each client builds
/// its connections when it is first asked.
#[derive(Debug, Clone)]
struct ByHost {
    amazon: SharedHttpClient,
    system: SharedHttpClient,
}

impl HttpClient for ByHost {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let (settings, components) = (settings.clone(), components.clone());
        SharedHttpConnector::new(Connector { clients: self.clone(), settings, components })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.amazon.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    clients: ByHost,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let ByHost { amazon, system } = &self.clients;
        let client = if is_amazon(request.uri()) { amazon } else { system };
        client.http_connector(&self.settings, &self.components).call(request)
    }
}

/// Whether a host has a certificate of Amazon Trust Services. Those of AWS in China and in isolated
/// partitions are others' and have other names; of the Regions `us-gov-*` not all are known to have
/// one. Without encryption there is nobody to believe.
fn is_amazon(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("https://") else { return true };
    let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
    (host.ends_with(".amazonaws.com") || host.ends_with(".api.aws")) && !host.contains(".us-gov-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_aws_are_believed_by_amazons_roots() {
        for (uri, expected) in [
            ("https://dynamodb.eu-west-1.amazonaws.com/", true),
            ("https://sts.eu-west-1.amazonaws.com:443/?Version=2011-06-15", true),
            ("https://vpce-0a1b-2c3d.monitoring.eu-west-1.vpce.amazonaws.com/", true),
            ("https://dynamodb.eu-west-1.api.aws", true),
            ("http://127.0.0.1:4566/", true),
            ("https://dynamodb.us-gov-west-1.amazonaws.com/", false),
            ("https://dynamodb.cn-north-1.amazonaws.com.cn/", false),
            ("https://dynamodb.eusc-de-east-1.amazonaws.eu/", false),
            ("https://example.com/x.amazonaws.com", false),
            ("https://notamazonaws.com/", false),
        ] {
            assert_eq!(is_amazon(uri), expected, "{uri}");
        }
    }

    #[test]
    fn the_roots_of_amazon_can_be_used() {
        let certificates = reqwest::Certificate::from_pem_bundle(AMAZON).unwrap();
        assert_eq!(certificates.len(), 5);
        assert!(reqwest::Client::builder().tls_certs_only(certificates).build().is_ok());
    }

    #[test]
    fn what_users_set_leaves_all_to_the_defaults() {
        let github = Url::parse("https://api.github.com").unwrap();
        assert!(of_aws(&Env::default()).is_some());
        assert!(of_github(&Env::default(), &github).is_some());
        for variable in ["SSL_CERT_FILE", "HTTPS_PROXY"] {
            let env = Env::from([(variable, "/etc/acme.pem")]);
            assert!(of_aws(&env).is_none(), "{variable}");
            assert!(of_github(&env, &github).is_none(), "{variable}");
        }
    }

    #[test]
    fn an_enterprise_server_is_believed_as_the_system_does() {
        let server = Url::parse("https://github.acme.example/api/v3").unwrap();
        assert!(of_github(&Env::default(), &server).is_none());
    }
}
