//! Rust code as its tokens: comments are gone, literals are one token each, and what only tests compile is left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::tree::File;

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The code of a file that ships: without every item under `#[cfg(test)]`.
pub(crate) fn production(file: &File) -> Vec<Token> {
    let stream = file.text.parse().unwrap_or_else(|error| {
        panic!("{}: {error}", file.path);
    });
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

/// The lines on which `code` stands, however it is spaced.
pub(crate) fn lines_with(tokens: &[Token], code: &str) -> Vec<usize> {
    places(tokens, code)
        .into_iter()
        .map(|at| tokens[at].line)
        .collect()
}

/// Where the tokens of `code` begin.
pub(crate) fn places(tokens: &[Token], code: &str) -> Vec<usize> {
    let mut wanted = Vec::new();
    flatten(code.parse().unwrap(), &mut wanted);
    let is_wanted = |rest: &[Token]| {
        let mut pairs = rest.iter().zip(&wanted);
        rest.len() >= wanted.len() && pairs.all(|(token, wanted)| token.text == wanted.text)
    };
    (0..tokens.len())
        .filter(|at| is_wanted(&tokens[*at..]))
        .collect()
}

/// What stands between the bracket at `open` and the one that closes it; nothing where no bracket opens.
pub(crate) fn inside_brackets(tokens: &[Token], open: usize) -> &[Token] {
    let opens = |token: &Token| matches!(token.text.as_str(), "(" | "[" | "{");
    if !tokens.get(open).is_some_and(opens) {
        return &[];
    }
    let mut depth = 0_usize;
    for (offset, token) in tokens[open..].iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth <= 1 => return &tokens[open + 1..open + offset],
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    &[]
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if is_test_attribute(&trees[at..]) {
            at += 2;
            while at < trees.len() && !ends_an_item(&trees[at]) {
                at += 1;
            }
            at += 1;
            continue;
        }
        push(&trees[at], into);
        at += 1;
    }
}

fn push(tree: &TokenTree, into: &mut Vec<Token>) {
    let mut token = |text: &str, line| {
        let text = text.to_owned();
        into.push(Token { text, line });
    };
    match tree {
        TokenTree::Group(group) => {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::None => ("", ""),
            };
            token(open, group.span_open().start().line);
            flatten(group.stream(), into);
            let line = group.span_close().start().line;
            into.push(Token {
                text: close.to_owned(),
                line,
            });
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
            token(&tree.to_string(), tree.span().start().line);
        }
    }
}

/// `#[cfg(test)]`.
fn is_test_attribute(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(mark), TokenTree::Group(group), ..] = trees else {
        return false;
    };
    let attribute: String = group.stream().to_string().split_whitespace().collect();
    mark.as_char() == '#' && attribute == "cfg(test)"
}

/// An item ends with its braces or with a semicolon.
fn ends_an_item(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}
