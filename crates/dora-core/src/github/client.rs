//! Sends requests to GitHub: authenticated, within its limits, and with an error for each way in
//! which it can refuse.
//!
//! Limits and failures that pass are waited for as long as the invocation has time; what lasts
//! longer fails, and Lambda's retry asks again. A range is asked for once in a deployment's life
//! (the ledger turns duplicates away before), so conditional requests would save nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client as SecretsManager;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::env::{ConfigError, Env, made_of};
use crate::error::{Error, GitHubFailure, Service};
use crate::repository::Repository;
use crate::sdk_error::service_error;
use crate::startup::bounded;
use crate::trust;

/// GitHub itself cuts a request off after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(12);
/// What has to be left of an invocation after waiting for GitHub: time to ask once more, publish
/// and confirm.
const RESERVE: Duration = Duration::from_secs(30);
/// How long to wait where GitHub limits requests and does not say for how long.
const UNSTATED_WAIT: Duration = Duration::from_mins(1);
const ATTEMPTS: u32 = 4;
/// How GitHub's tokens begin; older ones are 40 hexadecimal digits.
///
/// Source: "GitHub's token formats" in "About authentication to GitHub".
const TOKENS: [&str; 6] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];

/// GitHub's API with a token.
#[derive(Debug)]
pub struct GitHub {
    http: Client,
    rest: Url,
    graphql: Url,
    /// For Secrets Manager, which is asked once as a rule.
    sdk: SdkConfig,
    secret_id: String,
    authorization: Mutex<Option<Authorization>>,
}

/// The header with the token. It is marked sensitive, so no log shows it.
type Authorization = Arc<HeaderValue>;

impl GitHub {
    /// Prepares access to `GITHUB_API_URL` (`https://api.github.com`) with the token in the secret
    /// `GITHUB_TOKEN_SECRET_ID`, which is read when first needed.
    ///
    /// # Errors
    /// If the secret is not named, or the address is none.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        let secret_id = env
            .required(
                "GITHUB_TOKEN_SECRET_ID",
                "the name or ARN of the Secrets Manager secret that holds GitHub's token",
                |id| made_of(b"/_+=.@:-", 1..=2048, id).filter(|id| !is_token(id)),
            )
            .map_err(|error| env.hide(error, |_| true))?;
        let (rest, graphql) = env
            .parsed(
                "GITHUB_API_URL",
                "the https address of GitHub's REST API, such as https://HOST/api/v3",
                "https://api.github.com",
                endpoints,
            )
            .map_err(|error| env.hide(error, may_be_secret))?;
        let mut http = Client::builder();
        if let Some(tls) = trust::of_github(env, &rest) {
            http = http.tls_backend_preconfigured(tls);
        }
        let http = http
            .user_agent(concat!("dora-lambda/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(3))
            .timeout(TIMEOUT)
            .redirect(Policy::custom(same_host))
            .build()
            .map_err(|error| {
                ConfigError::unusable("SSL_CERT_FILE", &error, "the root certificates to trust")
            })?;
        let sdk = bounded(sdk);
        Ok(Self { http, rest, graphql, sdk, secret_id, authorization: Mutex::default() })
    }

    /// `GET` of a path of the REST API below `/repos/{owner}/{name}/`.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        repository: &Repository,
        path: &str,
        query: &[(&str, String)],
        deadline: SystemTime,
    ) -> Result<T, Error> {
        let mut url = self.rest.clone();
        let below = format!("{}/repos/{repository}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&below);
        url.query_pairs_mut().extend_pairs(query);
        let request = self
            .http
            .get(url)
            .header(ACCEPT, "application/vnd.github+json")
            .header("X-GitHub-Api-Version", "2022-11-28");
        self.send(repository, request, deadline, |_| None).await
    }

    /// A query of the GraphQL API.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        repository: &Repository,
        query: &serde_json::Value,
        deadline: SystemTime,
        refusal: impl Fn(&T) -> Option<Refusal>,
    ) -> Result<T, Error> {
        let request = self.http.post(self.graphql.clone()).json(query);
        self.send(repository, request, deadline, refusal).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        repository: &Repository,
        request: RequestBuilder,
        deadline: SystemTime,
        refusal: impl Fn(&T) -> Option<Refusal>,
    ) -> Result<T, Error> {
        let fail = |refusal: Refusal| Error::GitHub {
            failure: refusal.failure,
            repository: repository.to_string(),
            detail: refusal.detail,
        };
        let mut stale: Option<Authorization> = None;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let authorization = self.authorization(repository, stale.as_ref()).await?;
            let request = request.try_clone().ok_or_else(|| {
                fail(Refusal::now(GitHubFailure::Refused, "the request cannot be repeated"))
            })?;
            let refused = match answered(request, &authorization).await {
                Ok((headers, answer)) => match refusal(&answer) {
                    None => return Ok(answer),
                    Some(refused) => refused.with_headers(&headers),
                },
                Err(refused) => refused,
            };
            if refused.failure == GitHubFailure::Unauthorized && stale.is_none() {
                stale = Some(authorization); // it may have been rotated since the cold start
                continue;
            }
            let backoff = Duration::from_millis(250) * 2_u32.pow(attempt);
            let wait = match refused.failure {
                GitHubFailure::RateLimited => refused.wait.unwrap_or(UNSTATED_WAIT),
                GitHubFailure::Unavailable | GitHubFailure::UnexpectedAnswer => {
                    refused.wait.unwrap_or(backoff)
                }
                _ => return Err(fail(refused)),
            };
            let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
            if attempt >= ATTEMPTS || wait.saturating_add(RESERVE) > left {
                return Err(fail(refused));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// The token's header; the token is read again if it is the one that was refused.
    async fn authorization(
        &self,
        repository: &Repository,
        refused: Option<&Authorization>,
    ) -> Result<Authorization, Error> {
        let mut kept = self.authorization.lock().await;
        if let Some(header) = kept.as_ref()
            && refused.is_none_or(|refused| !Arc::ptr_eq(refused, header))
        {
            return Ok(Arc::clone(header));
        }
        let secrets = SecretsManager::new(&self.sdk);
        let secret = secrets.get_secret_value().secret_id(&self.secret_id).send().await.map_err(
            |error| service_error(Service::GitHubToken, "GetSecretValue", &self.secret_id, &error),
        )?;
        let header =
            header_of(secret.secret_string().unwrap_or_default().trim()).ok_or_else(|| {
                Error::GitHub {
                    failure: GitHubFailure::Unauthorized,
                    repository: repository.to_string(),
                    detail: "the secret holds no token: it must be the token alone, as plain text"
                        .to_owned(),
                }
            })?;
        let header = Arc::new(header);
        *kept = Some(Arc::clone(&header));
        Ok(header)
    }
}

/// Whether somebody took the token itself for its secret's name, which messages repeat.
fn is_token(text: &str) -> bool {
    TOKENS.iter().any(|beginning| text.starts_with(beginning))
        || (text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether an address may hold a token or a password, or be one.
fn may_be_secret(address: &str) -> bool {
    address.contains('@')
        || is_token(address)
        || TOKENS.iter().any(|beginning| address.contains(beginning))
}

fn header_of(token: &str) -> Option<HeaderValue> {
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| is_token)?;
    header.set_sensitive(true);
    Some(header)
}

/// Why GitHub did not do what was asked.
#[derive(Debug)]
pub(super) struct Refusal {
    failure: GitHubFailure,
    detail: String,
    /// How long GitHub wants to be left alone.
    wait: Option<Duration>,
}

impl Refusal {
    pub(super) fn now(failure: GitHubFailure, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        Self { failure, detail: detail.trim_end_matches('.').to_owned(), wait: None }
    }

    #[cfg(test)]
    pub(super) fn failure(&self) -> GitHubFailure {
        self.failure
    }

    fn with_headers(self, headers: &HeaderMap) -> Self {
        Self { wait: wait(headers), ..self }
    }
}

async fn answered<T: DeserializeOwned>(
    request: RequestBuilder,
    authorization: &HeaderValue,
) -> Result<(HeaderMap, T), Refusal> {
    let unavailable = |error: reqwest::Error| {
        Refusal::now(GitHubFailure::Unavailable, chain(&error.without_url()))
    };
    let response =
        request.header(AUTHORIZATION, authorization).send().await.map_err(unavailable)?;
    if !response.status().is_success() {
        return Err(refusal(response).await);
    }
    let headers = response.headers().clone();
    let body = response.bytes().await.map_err(unavailable)?;
    let answer = serde_json::from_slice(&body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Refusal::now(GitHubFailure::UnexpectedAnswer, format!("not the documented JSON at {place}"))
    })?;
    Ok((headers, answer))
}

async fn refusal(response: Response) -> Refusal {
    #[derive(serde::Deserialize)]
    struct Problem {
        message: String,
    }
    let (status, headers) = (response.status(), response.headers().clone());
    let message = response.json().await.map_or_else(|_| String::new(), |it: Problem| it.message);
    let is_limit = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN
            && (headers.contains_key("retry-after")
                || header(&headers, "x-ratelimit-remaining") == Some("0")
                || is_limit(&message)));
    let permissions = header(&headers, "x-accepted-github-permissions")
        .map(|permissions| format!(" (accepted permissions: {permissions})"));
    let failure = match status {
        _ if is_limit => GitHubFailure::RateLimited,
        StatusCode::UNAUTHORIZED => GitHubFailure::Unauthorized,
        StatusCode::FORBIDDEN => GitHubFailure::Forbidden,
        StatusCode::NOT_FOUND => GitHubFailure::NotFound,
        StatusCode::CONFLICT => GitHubFailure::EmptyRepository,
        StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => GitHubFailure::BlockedForLegalReasons,
        status if status.is_server_error() => GitHubFailure::Unavailable,
        _ => GitHubFailure::Refused,
    };
    let message = message.trim_end_matches('.');
    let detail = format!("{status}: {message}{}", permissions.unwrap_or_default());
    Refusal::now(failure, detail).with_headers(&headers)
}

/// Whether GitHub's words speak of a limit: some of its answers say so in no other way.
pub(super) fn is_limit(message: &str) -> bool {
    message.to_ascii_lowercase().contains("rate limit")
}

/// How long GitHub wants to be left alone, by the headers that it documents for that.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    if let Some(seconds) = header(headers, "retry-after").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_secs(seconds));
    }
    if header(headers, "x-ratelimit-remaining") != Some("0") {
        return None;
    }
    let reset = Duration::from_secs(header(headers, "x-ratelimit-reset")?.parse().ok()?);
    let until = SystemTime::UNIX_EPOCH.checked_add(reset)?;
    Some(until.duration_since(SystemTime::now()).unwrap_or_default() + Duration::from_secs(1))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// REST's address and GraphQL's beside it; Enterprise Server has them at `/api/v3` and
/// `/api/graphql`. A token must not travel unencrypted, unless it stays on this machine.
fn endpoints(address: &str) -> Option<(Url, Url)> {
    let address = address.trim_end_matches('/');
    let rest = Url::parse(address).ok()?;
    let is_local = matches!(rest.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_safe = rest.scheme() == "https" || (rest.scheme() == "http" && is_local);
    let names_nobody = rest.username().is_empty() && rest.password().is_none();
    let is_plain = rest.query().is_none() && rest.fragment().is_none() && names_nobody;
    let beside =
        address.strip_suffix("/v3").filter(|before| before.ends_with("/api")).unwrap_or(address);
    (is_safe && is_plain).then_some((rest, Url::parse(&format!("{beside}/graphql")).ok()?))
}

/// A renamed repository answers with a redirect. The token must not follow it to another host.
fn same_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = attempt.previous().first().map(Url::origin);
    if attempt.previous().len() > 5 || origin != Some(attempt.url().origin()) {
        attempt.stop()
    } else {
        attempt.follow()
    }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_is_beside_rest() {
        for (address, rest, graphql) in [
            ("https://api.github.com", "https://api.github.com/", "https://api.github.com/graphql"),
            ("https://h/api/v3/", "https://h/api/v3", "https://h/api/graphql"),
            (
                "http://127.0.0.1:1/_github",
                "http://127.0.0.1:1/_github",
                "http://127.0.0.1:1/_github/graphql",
            ),
        ] {
            let (found_rest, found_graphql) = endpoints(address).unwrap();
            assert_eq!((found_rest.as_str(), found_graphql.as_str()), (rest, graphql));
        }
    }

    #[test]
    fn a_token_is_sent_to_no_other_kind_of_address() {
        for address in [
            "api.github.com",
            "ftp://api.github.com",
            "http://api.github.com",
            "http://127.0.0.1.example.com",
            "https://someone@api.github.com",
            "https://:secret@api.github.com",
            "https://api.github.com?a=b",
        ] {
            assert_eq!(endpoints(address), None, "{address}");
        }
    }

    #[test]
    fn a_token_in_place_of_a_setting_is_refused_and_not_shown() {
        let sdk = SdkConfig::builder().build();
        for token in ["ghp_0123456789", "github_pat_0123456789", &"0a".repeat(20)] {
            let address = format!("https://:{token}@api.github.com");
            let named = "dora-github-token";
            for (secret, url) in [(token, ""), (named, address.as_str()), (named, token)] {
                let env = Env::from([("GITHUB_TOKEN_SECRET_ID", secret), ("GITHUB_API_URL", url)]);
                let message = GitHub::from_env(&env, &sdk).unwrap_err().to_string();
                assert!(message.contains("(not shown"), "{message}");
                assert!(!message.contains(token), "{message}");
            }
        }
    }

    #[test]
    fn a_token_is_one_word_and_never_shown() {
        let header = header_of("ghp_0123").unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer ghp_0123");
        assert!(!format!("{header:?}").contains("ghp_"));
        for secret in ["", "two words", "{\"token\": \"x\"}", "ghp_\n0123", "ghp_\u{e9}"] {
            assert!(header_of(secret).is_none(), "{secret}");
        }
    }

    #[test]
    fn waiting_follows_the_headers() {
        let headers = |pairs: &[(&'static str, String)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(wait(&headers(&[])), None);
        let retry = headers(&[("retry-after", "7".to_owned())]);
        assert_eq!(wait(&retry), Some(Duration::from_secs(7)));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        for (remaining, waits) in [("0", true), ("1", false)] {
            let reset = headers(&[
                ("x-ratelimit-remaining", remaining.to_owned()),
                ("x-ratelimit-reset", (now + 20).to_string()),
            ]);
            assert_eq!(wait(&reset).is_some_and(|wait| wait.as_secs() > 10), waits);
        }
    }
}
