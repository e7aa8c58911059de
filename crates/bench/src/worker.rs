//! The processes of a run: the workers and the gateway.

use std::{
    fs::File,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1,
    http::{request, response},
};
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{net::TcpStream, time::sleep};

/// A child process that ends with this one.
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts it, with everything that it says in a file of `folder`.
    pub(crate) fn start(mut command: Command, folder: &Path, name: &str) -> Result<Self> {
        let log = File::create(folder.join(format!("{name}.log")))?;
        let child = command
            .env_remove("PAYOUT_DATABASE_URL")
            .env_remove("PAYOUT_CONFIG")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        Ok(Self {
            child,
            name: name.to_owned(),
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error if it has ended.
    pub(crate) fn ensure_runs(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended: {status}", self.name),
        }
    }

    /// Ends it as a supervisor does, and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After `stop` it has ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The body of `GET path`, if the answer is 200.
pub(crate) async fn get(at: SocketAddr, path: &str) -> Result<Bytes> {
    exchange(at, Request::get(path), Bytes::new()).await
}

/// The body of `POST path` with this JSON, if the answer is 200.
pub(crate) async fn post(at: SocketAddr, path: &str, body: &serde_json::Value) -> Result<Bytes> {
    exchange(at, Request::post(path), serde_json::to_vec(body)?.into()).await
}

async fn exchange(at: SocketAddr, request: request::Builder, body: Bytes) -> Result<Bytes> {
    let path = request.uri_ref().map(ToString::to_string);
    let (head, body) = answer(at, request, body).await?;
    let path = path.unwrap_or_default();
    anyhow::ensure!(head.status.is_success(), "{path}: {}", head.status);
    Ok(body)
}

/// Whatever is answered, over a connection of its own.
pub(crate) async fn answer(
    at: SocketAddr,
    request: request::Builder,
    body: Bytes,
) -> Result<(response::Parts, Bytes)> {
    let stream = TcpStream::connect(at).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = request
        .header(hyper::header::HOST, at.to_string())
        .body(Full::new(body))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok((head, body.collect().await?.to_bytes()))
}

/// Waits until `GET path` answers 200.
pub(crate) async fn until_answers(
    process: &mut Process,
    at: SocketAddr,
    path: &str,
    within: Duration,
) -> Result<()> {
    let begun = Instant::now();
    while get(at, path).await.is_err() {
        process.ensure_runs()?;
        if begun.elapsed() > within {
            bail!("{} did not answer {path} within {within:?}", process.name);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
