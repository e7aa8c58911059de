<?php

// A merchant's client of the gateway in PHP, with ext-openssl and stream contexts. README.md has the options.

declare(strict_types=1);

const OPTIONS = ['--url', '--dialect', '--merchant', '--key', '--platform-key', '--style', '--order', '--money',
    '--fee-type', '--bank', '--number', '--name', '--description', '--notify-url', '--field'];
const PADDING_BYTES = 11;

function stop(int $code, string $why): never
{
    fwrite(STDERR, "$why\n");
    exit($code);
}

function option(string $name, ?string $default = null): string
{
    return $GLOBALS['options']["--$name"] ?? $default ?? stop(2, "--$name is missing");
}

/** Reads PEM, or the bare base64 in which the gateway hands keys out. */
function readKey(string $option, string $kind): OpenSSLAsymmetricKey
{
    $text = trim((string) @file_get_contents(option($option)));
    $lines = chunk_split(preg_replace('/\s/', '', $text), 64, "\n");
    foreach (["$kind KEY", "RSA $kind KEY"] as $label) {
        $pem = str_starts_with($text, '-----') ? $text : "-----BEGIN $label-----\n$lines-----END $label-----\n";
        if ($key = $kind === 'PRIVATE' ? openssl_pkey_get_private($pem) : openssl_pkey_get_public($pem)) {
            return $key;
        }
    }
    stop(2, "--$option names no key");
}

/** The values in the order of their names, without separators. */
function signedText(array $fields): string
{
    ksort($fields, SORT_STRING);
    return implode('', $fields);
}

function sign(array $fields): string
{
    $key = readKey('key', 'PRIVATE');
    $blocks = '';
    foreach (str_split(signedText($fields), openssl_pkey_get_details($key)['bits'] / 8 - PADDING_BYTES) as $chunk) {
        openssl_private_encrypt($chunk, $block, $key);
        $blocks .= $block;
    }
    return base64_encode($blocks);
}

function isGenuine(array $fields, OpenSSLAsymmetricKey $platformKey): bool
{
    // A plus that was not escaped in a form arrives as a space.
    $blocks = base64_decode(strtr($fields['platSign'] ?? '', ' -_', '++/'));
    unset($fields['platSign']);
    $text = '';
    foreach (str_split($blocks, openssl_pkey_get_details($platformKey)['bits'] / 8) as $block) {
        if (!openssl_public_decrypt($block, $chunk, $platformKey)) {
            return false;
        }
        $text .= $chunk;
    }
    return $text !== '' && $text === signedText($fields);
}

/** Returns the HTTP status and the body. A payment must not follow a redirect. */
function post(string $url, string $type, string $body): array
{
    $http = ['method' => 'POST', 'header' => "Content-Type: $type", 'content' => $body, 'timeout' => 30];
    $context = stream_context_create(['http' => $http + ['follow_location' => 0, 'ignore_errors' => true]]);
    $stream = @fopen($url, 'rb', false, $context) ?: stop(1, "no usable answer: nothing from $url");
    $statusLine = stream_get_meta_data($stream)['wrapper_data'][0];
    return [explode(' ', $statusLine)[1], stream_get_contents($stream)];
}

/** Sends a signed request. Returns the answer, and whether the platform signed it. */
function call(string $path, array $fields, bool $isLive): array
{
    $platformKey = readKey('platform-key', 'PUBLIC');
    $now = new DateTime('now', new DateTimeZone('Asia/Jakarta'));
    $fields += ['merchantCode' => option('merchant'), 'dateTime' => $now->format('YmdHis')];
    // Without a rule of its own array_filter would also drop a feeType of 0.
    $fields = array_filter($fields, fn ($value) => $value !== '');
    $sign = sign($fields);
    $fields['sign'] = $isLive ? rtrim(strtr($sign, '+/', '-_'), '=') : $sign;
    [$status, $body] = post(option('url') . $path, 'application/json; charset=utf-8', json_encode($fields));
    // The platform signs a number as it is spelled, which json_decode forgets: make every number a string.
    $spelled = preg_replace('/"(?:[^"\\\\]|\\\\.)*+"(*SKIP)(*FAIL)|-?\d[\d.eE+-]*/', '"$0"', $body);
    $answer = json_decode($spelled, true);
    is_array($answer) || stop(1, "no usable answer: HTTP $status without a JSON object");
    return [$answer, isGenuine($answer, $platformKey)];
}

function cashFields(bool $isLive, bool $isToppay): array
{
    $number = fn (string $digits) => $isLive ? (int) $digits : $digits;
    ctype_digit(option('money') . option('fee-type')) || stop(2, '--money and --fee-type are whole numbers');
    $fields = ['orderNum' => option('order'), 'money' => $number(option('money')),
        'feeType' => $number(option('fee-type')), 'bankCode' => option('bank'), 'number' => option('number'),
        'name' => option('name'), 'description' => option('description', ''), 'notifyUrl' => option('notify-url', '')];
    $fields += $isLive || $isToppay ? ['method' => 'Transfer', 'orderType' => $number('0')] : [];
    return $fields + ($isLive ? ['mobile' => '081234567890', 'email' => 'siti@example.com'] : []);
}

/** Writes one line, whatever a stranger's answer holds. */
function show(string $name, mixed $value): void
{
    echo $name, '=', preg_replace('/[[:cntrl:]]/', ' ', (string) $value), "\n";
}

$command = $argv[1] ?? '';
$options = $callbackFields = [];
foreach (array_chunk(array_slice($argv, 2), 2) as $pair) {
    [$name, $value] = [...$pair, null];
    if ($value === null || !in_array($name, OPTIONS, true)) {
        stop(2, "not understood: $name");
    }
    if ($name === '--field') {
        [$field, $value] = [...explode('=', $value, 2), ''];
        $callbackFields[$field] = $value;
    }
    $options[$name] = $value;
}
$isLive = ['strict' => false, 'live' => true][option('style', 'strict')] ?? stop(2, '--style is strict or live');
$isToppay = ['bdpay' => false, 'toppay' => true][option('dialect', 'bdpay')] ?? stop(2, '--dialect is bdpay or toppay');
if ($command === 'callback') {
    option('field');
    $form = http_build_query($callbackFields + ['platSign' => sign($callbackFields)]);
    [$status, $body] = post(option('url'), 'application/x-www-form-urlencoded', $form);
    show('http', $status);
    show('body', $body);
    exit($body === 'SUCCESS' ? 0 : 1);
}
if ($command === 'verify') {
    parse_str(trim(stream_get_contents(STDIN)), $form);
    $isGenuine = isGenuine($form, readKey('platform-key', 'PUBLIC'));
    show('verified', $isGenuine ? 'yes' : 'no');
    exit($isGenuine ? 0 : 1);
}
$query = ['queryType' => $isToppay ? 'CASH_QUERY' : ''];
[[$answer, $isGenuine], $names] = match ($command) {
    'submit' => [
        call('/gateway/cash', cashFields($isLive, $isToppay), $isLive),
        ['platRespCode', 'platOrderNum', 'status'],
    ],
    'query' => [
        call('/gateway/query', $query + ['orderNum' => option('order')], $isLive),
        ['status', 'amount', 'fee'],
    ],
    'balance' => [call('/gateway/interface/getBalance', [], $isLive), ['balance', 'freeze']],
    default => stop(2, 'usage: php client.php submit|query|balance|callback|verify --NAME VALUE ...'),
};
$isSigned = $command === 'submit' || !$isToppay;
$data = $isSigned ? $answer : $answer['data'][0] ?? $answer['data'] ?? [];
foreach ($names as $name) {
    show($name, $data[$name] ?? '');
}
show('message', $answer['platRespMessage'] ?? $answer['message'] ?? '');
show('verified', $isSigned ? ($isGenuine ? 'yes' : 'no') : 'unsigned');
exit($isSigned && !$isGenuine ? 1 : 0);
