//! Tells approvers that a request waits for them: runs a command of the operator's choice, calls a webhook, or both.

use std::{fs, path::Path, process::Stdio, time::Duration};

use payout_config::Approvals;
use payout_gateway::http::{JSON, install_tls, plain};
use payout_store::notices::Notice;
use reqwest::{Client, Url, header::CONTENT_TYPE};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// Longest time that one of them may take. Approvers have ten minutes.
const WITHIN: Duration = Duration::from_secs(10);

/// The ways in which approvers are told.
#[derive(Debug)]
pub struct Notifier {
    command: Vec<String>,
    webhook: Option<(Client, Url)>,
}

impl Notifier {
    /// `None` if nobody is to be told.
    ///
    /// # Errors
    /// What is wrong with the file that holds the webhook's address, in words.
    pub fn new(approvals: &Approvals) -> Result<Option<Self>, String> {
        let webhook = match &approvals.notify_url_file {
            None => None,
            Some(file) => Some((client()?, address(file)?)),
        };
        if approvals.notify_command.is_empty() && webhook.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            command: approvals.notify_command.clone(),
            webhook,
        }))
    }

    /// Tells approvers of one request.
    ///
    /// # Errors
    /// The first way that failed and how, without the webhook's address, which is a secret.
    pub async fn tell(&self, notice: &Notice) -> Result<(), String> {
        let message = serde_json::to_string(notice).map_err(|error| error.to_string())?;
        if let Some((client, url)) = &self.webhook {
            post(client, url, message.clone()).await?;
        }
        if let Some((program, arguments)) = self.command.split_first() {
            let running = run(program, arguments, notice, &message);
            let ended = timeout(WITHIN, running).await;
            ended.unwrap_or_else(|_| Err(format!("{program} did not end within 10 seconds")))?;
        }
        Ok(())
    }
}

fn client() -> Result<Client, String> {
    install_tls();
    let client = plain(WITHIN).build();
    client.map_err(|_| "the HTTP client could not be set up".to_owned())
}

/// The one line of the file. Never printed: whoever has it can post.
fn address(file: &Path) -> Result<Url, String> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| format!("notify_url_file {name} cannot be read: {error}"))?;
    let url = Url::parse(text.trim()).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| format!("notify_url_file {name} must hold one https:// address"))
}

async fn post(client: &Client, url: &Url, message: String) -> Result<(), String> {
    let request = client
        .post(url.clone())
        .header(CONTENT_TYPE, JSON)
        .body(message);
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!(
            "the webhook answered HTTP {}",
            answer.status().as_u16()
        )),
        Err(error) if error.is_timeout() => {
            Err("the webhook did not answer within 10 seconds".to_owned())
        }
        Err(_) => Err("the webhook could not be reached".to_owned()),
    }
}

/// The message goes to its standard input; what a script needs most is in its environment too.
async fn run(
    program: &str,
    arguments: &[String],
    notice: &Notice,
    message: &str,
) -> Result<(), String> {
    let failed = |error| format!("{program} could not be run: {error}");
    let mut child = Command::new(program)
        .args(arguments)
        .env("PAYOUT_REQUEST", notice.request_id.to_string())
        .env("PAYOUT_REQUEST_KIND", &notice.kind)
        .env("PAYOUT_REQUEST_ORDERS", notice.order_nums.join(" "))
        .env("PAYOUT_REQUESTED_BY", &notice.requested_by)
        .env("PAYOUT_REQUEST_EXPIRES_AT", notice.expires_at.to_rfc3339())
        .env_remove("PAYOUT_DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A program that does not read it is told enough by its environment.
        input.write_all(message.as_bytes()).await.ok();
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{program} failed with {status}"))
    }
}
