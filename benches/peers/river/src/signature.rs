//! The gateway's signature: each block goes through the private-key operation, without a hash (protocol P6, P7).

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{
    pkey::{Private, Public},
    rsa::{Padding, Rsa},
};

const PADDING_BYTES: usize = 11;

/// A message's fields; their order is that of the signed text.
pub(crate) type Fields = BTreeMap<String, String>;

pub(crate) struct Keys {
    own: Rsa<Private>,
    platform: Rsa<Public>,
}

impl Keys {
    pub(crate) fn read(own: &Path, platform: &Path) -> Result<Self> {
        Ok(Self {
            own: Rsa::private_key_from_pem(&fs::read(own)?)?,
            platform: Rsa::public_key_from_pem(&fs::read(platform)?)?,
        })
    }

    pub(crate) fn sign(&self, fields: &Fields) -> Result<String> {
        let size = self.own.size() as usize;
        let mut signature = Vec::new();
        for chunk in signed_text(fields).as_bytes().chunks(size - PADDING_BYTES) {
            let mut block = vec![0; size];
            self.own
                .private_encrypt(chunk, &mut block, Padding::PKCS1)?;
            signature.append(&mut block);
        }
        Ok(STANDARD.encode(signature))
    }

    /// Whether `platSign` is of all other fields.
    pub(crate) fn verify(&self, fields: &Fields) -> bool {
        let mut others = fields.clone();
        let signature = others.remove("platSign").unwrap_or_default();
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        let size = self.platform.size() as usize;
        let text = signed_text(&others);
        let chunks = text.as_bytes().chunks(size - PADDING_BYTES);
        let mut opened = vec![0; size];
        chunks.len() * size == signature.len()
            && chunks.zip(signature.chunks(size)).all(|(chunk, block)| {
                let length = self
                    .platform
                    .public_decrypt(block, &mut opened, Padding::PKCS1);
                length.is_ok_and(|length| opened[..length] == *chunk)
            })
    }
}

/// The values in the byte order of their names, one after the other.
fn signed_text(fields: &Fields) -> String {
    fields.values().map(String::as_str).collect()
}
