//! A TCP proxy in front of the sandbox that cuts a connection after a number of bytes, in either direction.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The direction, and the number of bytes with headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Only that many bytes of the request reach the gateway; then both connections are closed.
    Request(usize),
    /// The request arrives whole; only that many bytes of the answer come back.
    Answer(usize),
}

#[derive(Default)]
struct Plan {
    /// By orderNum; each cut applies to the first submit only.
    cuts: HashMap<String, Cut>,
    /// The longest request and the longest answer of a submit that passed whole.
    longest: (usize, usize),
    made: usize,
}

/// Cuts the first submit of each listed order, and passes everything else.
pub(crate) struct Scissors {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    task: JoinHandle<()>,
}

impl Scissors {
    pub(crate) async fn before(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan: Arc<Mutex<Plan>> = Arc::default();
        let task = tokio::spawn(serve(listener, behind, Arc::clone(&plan)));
        Self {
            address,
            plan,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts the first submit of that order.
    pub(crate) fn cut(&self, order_num: &str, cut: Cut) {
        self.plan
            .lock()
            .unwrap()
            .cuts
            .insert(order_num.to_owned(), cut);
    }

    /// How many cuts were made.
    pub(crate) fn made(&self) -> usize {
        self.plan.lock().unwrap().made
    }

    /// The longest request and answer of a whole submit, in bytes.
    pub(crate) fn longest(&self) -> (usize, usize) {
        self.plan.lock().unwrap().longest
    }
}

impl Drop for Scissors {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, behind: SocketAddr, plan: Arc<Mutex<Plan>>) {
    while let Ok((worker, _)) = listener.accept().await {
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            // Broken connections are the purpose of this proxy.
            _ = pass(worker, behind, &plan).await;
        });
    }
}

/// Passes on the requests of one connection one by one, each with its answer.
async fn pass(
    mut worker: TcpStream,
    behind: SocketAddr,
    plan: &Mutex<Plan>,
) -> std::io::Result<()> {
    let mut gateway = TcpStream::connect(behind).await?;
    loop {
        let request = message(&mut worker).await?;
        if request.is_empty() {
            return Ok(());
        }
        let is_submit = request.starts_with(b"POST /gateway/cash ");
        let cut = is_submit
            .then(|| order_num(&request))
            .flatten()
            .and_then(|order| plan.lock().unwrap().cuts.remove(&order));
        if let Some(Cut::Request(bytes)) = cut {
            gateway
                .write_all(&request[..bytes.min(request.len() - 1)])
                .await?;
            plan.lock().unwrap().made += 1;
            return Ok(());
        }
        gateway.write_all(&request).await?;
        let answer = message(&mut gateway).await?;
        if let Some(Cut::Answer(bytes)) = cut {
            worker
                .write_all(&answer[..bytes.min(answer.len() - 1)])
                .await?;
            plan.lock().unwrap().made += 1;
            return Ok(());
        }
        if is_submit {
            let longest = &mut plan.lock().unwrap().longest;
            *longest = (longest.0.max(request.len()), longest.1.max(answer.len()));
        }
        worker.write_all(&answer).await?;
    }
}

/// One whole HTTP message with a Content-Length; empty at the end of the connection.
pub(crate) async fn message(from: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(length) = whole(&read)
            && read.len() >= length
        {
            return Ok(read);
        }
        match from.read(&mut piece).await? {
            0 => return Ok(Vec::new()),
            count => read.extend_from_slice(&piece[..count]),
        }
    }
}

/// The length of the message that starts here, once its head is complete.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    Some(head + length.unwrap_or(0))
}

fn order_num(request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let (_, rest) = text.split_once("\"orderNum\":\"")?;
    Some(rest.split('"').next()?.to_owned())
}
