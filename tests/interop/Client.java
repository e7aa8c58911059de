import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.security.interfaces.RSAKey;
import java.security.spec.*;
import java.time.*;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.regex.*;
import javax.crypto.Cipher;

/** A merchant's client of the gateway in Java, with javax.crypto and java.net.http. README.md has the options. */
public class Client {
    static final String USAGE = "usage: java Client.java submit|query|balance|callback|verify --NAME VALUE ...";
    /** The commands, and what each shows of the answer. */
    static final Map<String, List<String>> COMMANDS = Map.of(
            "submit", List.of("platRespCode", "platOrderNum", "status"),
            "query", List.of("status", "amount", "fee"),
            "balance", List.of("balance", "freeze"),
            "callback", List.of(),
            "verify", List.of());
    static final Set<String> NAMES = Set.of("url", "dialect", "merchant", "key", "platform-key", "style", "order",
            "money", "fee-type", "bank", "number", "name", "description", "notify-url", "field");
    static final int PADDING_BYTES = 11;
    static final String RSA_ALGORITHM = "300d06092a864886f70d0101010500";
    static final Pattern TOKEN = Pattern.compile("\"(?:[^\"\\\\]++|\\\\.)*+\"|[-+.\\w]+|[:{\\[]");
    static final Pattern ESCAPE = Pattern.compile("\\\\(?:u(\\p{XDigit}{4})|([bfnrt])|(.))");
    static final Map<String, String> options = new HashMap<>(Map.of("dialect", "bdpay", "style", "strict"));
    static final TreeMap<String, Object> callbackFields = new TreeMap<>();

    static String option(String name) {
        if (!options.containsKey(name)) throw usage("--" + name + " is missing");
        return options.get(name);
    }

    static boolean isOption(String name, String wanted, String other) {
        if (!Set.of(wanted, other).contains(option(name))) throw usage("--" + name + " is " + other + " or " + wanted);
        return option(name).equals(wanted);
    }

    static IllegalArgumentException usage(String why) {
        return new IllegalArgumentException(why);
    }

    /** Reads PEM, or the bare base64 in which the gateway hands keys out. */
    static Key readKey(String name, boolean isPrivate) {
        try {
            String text = Files.readString(Path.of(option(name))).replaceAll("-----.*?-----", "");
            String der = HexFormat.of().formatHex(Base64.getMimeDecoder().decode(text));
            // Java reads PKCS#8 and X.509, which are PKCS#1 in a wrapper that names the algorithm.
            if (!der.contains(RSA_ALGORITHM)) {
                der = isPrivate
                        ? element("30", "020100" + RSA_ALGORITHM + element("04", der))
                        : element("30", RSA_ALGORITHM + element("03", "00" + der));
            }
            byte[] key = HexFormat.of().parseHex(der);
            KeyFactory rsa = KeyFactory.getInstance("RSA");
            return isPrivate
                    ? rsa.generatePrivate(new PKCS8EncodedKeySpec(key))
                    : rsa.generatePublic(new X509EncodedKeySpec(key));
        } catch (IOException | GeneralSecurityException error) {
            throw usage("--" + name + " names no such key");
        }
    }

    /** One DER element in hexadecimal digits. */
    static String element(String tag, String content) {
        int bytes = content.length() / 2;
        return tag + String.format(bytes < 128 ? "%02x" : bytes < 256 ? "81%02x" : "82%04x", bytes) + content;
    }

    /** The operation on each piece of the data. What is encrypted must leave room for the padding. */
    static byte[] rsa(int mode, Key key, byte[] data) throws GeneralSecurityException {
        int keyBytes = (((RSAKey) key).getModulus().bitLength() + 7) / 8;
        int size = mode == Cipher.ENCRYPT_MODE ? keyBytes - PADDING_BYTES : keyBytes;
        Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding");
        cipher.init(mode, key);
        ByteArrayOutputStream done = new ByteArrayOutputStream();
        for (int at = 0; at < data.length; at += size) {
            done.writeBytes(cipher.doFinal(data, at, Math.min(size, data.length - at)));
        }
        return done.toByteArray();
    }

    /** The values in the order of their names, without separators. */
    static byte[] signedText(TreeMap<String, Object> fields) {
        return fields.values().stream().map(Object::toString).collect(joining()).getBytes(UTF_8);
    }

    static String sign(TreeMap<String, Object> fields, Base64.Encoder base64) throws GeneralSecurityException {
        return base64.encodeToString(rsa(Cipher.ENCRYPT_MODE, readKey("key", true), signedText(fields)));
    }

    static boolean isGenuine(TreeMap<String, Object> answer, Key platformKey) {
        TreeMap<String, Object> fields = new TreeMap<>(answer);
        // A plus that was not escaped in a form arrives as a space.
        String signature = String.valueOf(fields.remove("platSign")).replaceAll("[ -]", "+").replace('_', '/');
        try {
            byte[] text = rsa(Cipher.DECRYPT_MODE, platformKey, Base64.getDecoder().decode(signature));
            return text.length > 0 && Arrays.equals(text, signedText(fields));
        } catch (GeneralSecurityException | IllegalArgumentException error) {
            return false;
        }
    }

    /** Every text and number by its name, also those inside an envelope. A number stays as it is spelled. */
    static TreeMap<String, Object> readJson(String json) {
        TreeMap<String, Object> fields = new TreeMap<>();
        String last = null;
        String name = null;
        for (Matcher token = TOKEN.matcher(json); token.find(); ) {
            switch (token.group()) {
                case ":" -> name = last;
                case "{", "[", "null" -> name = null;
                default -> {
                    last = unquote(token.group());
                    if (name != null) fields.put(name, last);
                    name = null;
                }
            }
        }
        return fields;
    }

    static String unquote(String token) {
        if (!token.startsWith("\"")) return token;
        return ESCAPE.matcher(token.substring(1, token.length() - 1)).replaceAll(escape -> Matcher.quoteReplacement(
                escape.group(1) != null ? Character.toString(Integer.parseInt(escape.group(1), 16))
                        : escape.group(2) != null ? escape.group().translateEscapes() : escape.group(3)));
    }

    static String quote(Object value) {
        if (value instanceof Number) return value.toString();
        return '"' + value.toString().replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    static HttpResponse<String> post(String url, String type, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30))
                .header("Content-Type", type).POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** Sends a signed request and returns the answer. */
    static TreeMap<String, Object> call(String path, Map<String, Object> specific, boolean isLive) throws Exception {
        TreeMap<String, Object> fields = new TreeMap<>(specific);
        LocalDateTime now = LocalDateTime.now(ZoneId.of("Asia/Jakarta"));
        fields.put("merchantCode", option("merchant"));
        fields.put("dateTime", now.format(DateTimeFormatter.ofPattern("yyyyMMddHHmmss")));
        fields.values().removeIf(""::equals);
        fields.put("sign", sign(fields, isLive ? Base64.getUrlEncoder().withoutPadding() : Base64.getEncoder()));
        String json = fields.entrySet().stream().map(field -> quote(field.getKey()) + ":" + quote(field.getValue()))
                .collect(joining(",", "{", "}"));
        HttpResponse<String> answer = post(option("url") + path, "application/json; charset=utf-8", json);
        String body = answer.body();
        if (!body.startsWith("{")) throw new IOException("HTTP " + answer.statusCode() + " without a JSON object");
        return readJson(body);
    }

    static Map<String, Object> cashFields(boolean isLive, boolean isToppay) {
        Map<String, Object> fields = new HashMap<>(Map.of("orderNum", option("order"), "bankCode", option("bank"),
                "number", option("number"), "name", option("name")));
        fields.put("description", options.getOrDefault("description", ""));
        fields.put("notifyUrl", options.getOrDefault("notify-url", ""));
        fields.put("money", Long.valueOf(option("money")));
        fields.put("feeType", Long.valueOf(option("fee-type")));
        if (isLive || isToppay) fields.putAll(Map.of("method", "Transfer", "orderType", 0));
        if (isLive) fields.putAll(Map.of("mobile", "081234567890", "email", "siti@example.com"));
        if (!isLive) fields.replaceAll((name, value) -> value.toString());
        return fields;
    }

    /** Plays the gateway: reports to the merchant what became of an order. */
    static HttpResponse<String> sendCallback() throws Exception {
        callbackFields.put("platSign", sign(callbackFields, Base64.getEncoder()));
        String form = callbackFields.entrySet().stream()
                .map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue().toString(), UTF_8))
                .collect(joining("&"));
        return post(option("url"), "application/x-www-form-urlencoded", form);
    }

    static TreeMap<String, Object> readForm(String form) {
        TreeMap<String, Object> fields = new TreeMap<>();
        for (String pair : form.split("&")) {
            String[] parts = (pair + "=").split("=", 3);
            fields.put(parts[0], URLDecoder.decode(parts[1].replaceAll("%(?!\\p{XDigit}{2})", "%25"), UTF_8));
        }
        return fields;
    }

    /** Writes one line, whatever a stranger's answer holds. */
    static void show(String name, Object value) {
        System.out.println(name + "=" + value.toString().replaceAll("\\p{Cntrl}", " "));
    }

    /** Returns whether all is well. */
    static boolean run(String command) throws Exception {
        if (command.equals("callback")) {
            option("field");
            HttpResponse<String> answer = sendCallback();
            show("http", answer.statusCode());
            show("body", answer.body());
            return answer.body().equals("SUCCESS");
        }
        Key platformKey = readKey("platform-key", false);
        if (command.equals("verify")) {
            boolean isGenuine = isGenuine(readForm(new String(System.in.readAllBytes(), UTF_8).trim()), platformKey);
            show("verified", isGenuine ? "yes" : "no");
            return isGenuine;
        }
        boolean isLive = isOption("style", "live", "strict");
        boolean isToppay = isOption("dialect", "toppay", "bdpay");
        String queryType = isToppay ? "CASH_QUERY" : "";
        TreeMap<String, Object> answer = switch (command) {
            case "submit" -> call("/gateway/cash", cashFields(isLive, isToppay), isLive);
            case "query" -> call("/gateway/query", Map.of("orderNum", option("order"), "queryType", queryType), isLive);
            default -> call("/gateway/interface/getBalance", Map.of(), isLive);
        };
        for (String name : COMMANDS.get(command)) show(name, answer.getOrDefault(name, ""));
        show("message", answer.getOrDefault("platRespMessage", answer.getOrDefault("message", "")));
        boolean isUnsigned = isToppay && !command.equals("submit");
        String verified = isUnsigned ? "unsigned" : isGenuine(answer, platformKey) ? "yes" : "no";
        show("verified", verified);
        return !verified.equals("no");
    }

    public static void main(String[] args) throws Exception {
        try {
            if (args.length == 0 || !COMMANDS.containsKey(args[0])) throw usage(USAGE);
            for (int at = 1; at < args.length; at += 2) {
                String name = args[at].replaceFirst("^--", "");
                if (!NAMES.contains(name) || at + 1 == args.length) throw usage("not understood: " + args[at]);
                options.put(name, args[at + 1]);
                String[] field = args[at + 1].split("=", 2);
                if (name.equals("field")) callbackFields.put(field[0], field.length == 2 ? field[1] : "");
            }
            System.exit(run(args[0]) ? 0 : 1);
        } catch (IllegalArgumentException error) {
            System.err.println(error.getMessage());
            System.exit(2);
        } catch (IOException error) {
            System.err.println("no usable answer: " + Objects.requireNonNullElse(error.getMessage(), error.toString()));
            System.exit(1);
        }
    }
}
