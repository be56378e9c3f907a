//! Picks the root certificates of Amazon Trust Services out of Mozilla's, so that the functions hold
//! these few and read no other at their start.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// The five that Amazon Trust Services recommends to whoever keeps a trust store of their own.
///
/// Source: "Trust store and pinning recommendations", <https://www.amazontrust.com/repository/>.
const NAMES: [&str; 5] = [
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
];

#[expect(clippy::disallowed_macros, reason = "Cargo is told by what is printed")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let pem: String = NAMES.into_iter().map(pem).collect::<Result<_, _>>()?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("amazon.pem"), pem)?;
    Ok(())
}

fn pem(name: &str) -> Result<String, String> {
    let named = |der: &[u8]| der.windows(name.len()).any(|window| window == name.as_bytes());
    let found: Vec<_> = TLS_SERVER_ROOT_CERTS.iter().filter(|it| named(it)).collect();
    let [certificate] = found.as_slice() else {
        return Err(format!("of Mozilla's root certificates {} are {name:?}", found.len()));
    };
    let base64 = BASE64_STANDARD.encode(certificate);
    Ok(format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"))
}
