import Glibc
import MMCLI
import MMCore
import MMOperations
import MMPool
import MMSystem

/// `mm key`: the security keys with which a person confirms requests, if a connection requires that.
enum KeyCommands {
    private static let name = InputField("name", .text, "Name of the key.", .at(0))

    static func all(environment: [String: String]) -> [LocalCommand] {
        let keys = SecurityKeyRing(paths: StatePaths(environment: environment))
        return [add(keys, environment), list(keys), remove(keys)]
    }

    private static func add(_ keys: SecurityKeyRing, _ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["key", "add"], summary: "Register a security key for confirming requests.",
            discussion:
                "With --page the key is a passkey in a browser or phone, for approving on the pool's page "
                + "(mm pool serve --listen). Otherwise it is a security key that is plugged into this machine: connections with "
                + "\"person\": \"key\" want its touch at each yes, and it signs exactly the request that was shown. Where keys are registered already, one of them is touched first. Needs libfido2-1.",
            fields: [
                name,
                InputField(
                    "page", .flag, "Print a link to register a passkey with the browser, for the pool's page."),
                InputField(
                    "owner", .text,
                    "Owner of the passkey (default: your login name). Each person needs a different name."),
            ],
            examples: [
                .init("mm key add desk", "asks for a touch, and stores the public key"),
                .init("mm key add phone --page", "prints a link that is valid once within ten minutes"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let name = try input.text("name") ?? "key"
            if try input.flag("page") {
                try await touchOld(keys, "add the passkey \(name)", streams)
                let link = try await PasskeyLink.make(
                    name, owner: try input.text("owner") ?? ThisProcess.login, environment: environment)
                try await streams.show(link, options)
                return 0
            }
            try await touchOld(keys, "add the key \(name)", streams)
            streams.note("Touch the new key within 30 seconds.")
            try await keys.add(name)
            streams.note("The key \(name) is registered.")
            return 0
        }
    }

    private static func list(_ keys: SecurityKeyRing) -> LocalCommand {
        LocalCommand(
            ["key", "list"], summary: "List the security keys that confirm requests.",
            examples: [.init("mm key list", "their names")]
        ) { (_, options, streams) throws(MMError) in
            let known = try keys.keys()
            if options.format == .json {
                let rows = known.map { key -> JSONValue in
                    [
                        "name": .string(key.name), "owner": .string(key.owner),
                        "page": key.isPasskey ? .string(key.party) : .null,
                    ]
                }
                try streams.writeLine(JSONWriter.string(.array(rows)))
            } else {
                for key in known {
                    let place = key.isPasskey ? "  passkey of \(key.owner) at \(key.party)" : ""
                    try streams.writeLine(key.name + place)
                }
                if known.isEmpty { streams.note("No key is registered. To add one: mm key add NAME.") }
            }
            return 0
        }
    }

    private static func remove(_ keys: SecurityKeyRing) -> LocalCommand {
        LocalCommand(
            ["key", "remove"], summary: "Remove a security key.",
            discussion:
                "You confirm it with one of the registered keys. If all are lost, delete the file "
                + "security-keys.json in the state folder.",
            fields: [name],
            examples: [.init("mm key remove desk", "asks for a touch")]
        ) { (input, _, streams) async throws(MMError) in
            guard let name = try input.text("name") else {
                throw MMError(
                    .invalidInput, "The name of the key is missing.", hint: "mm key list shows the names.")
            }
            guard try keys.names().contains(name) else {
                throw MMError(.notFound, "No key is named \(name).", hint: "mm key list shows the names.")
            }
            try await touchOld(keys, "remove the key \(name)", streams)
            try await keys.remove(name)
            streams.note("The key \(name) was removed.")
            return 0
        }
    }

    /// Requires a registered key before keys are changed, and refuses a process in a session.
    private static func touchOld(
        _ keys: SecurityKeyRing, _ subject: String, _ streams: CommandStreams
    ) async throws(MMError) {
        try PersonProof.require(process: getpid())
        guard try keys.keys().contains(where: { !$0.isPasskey }) else { return }
        streams.note("Touch a registered key within 30 seconds, to \(subject).")
        try await keys.prove(subject)
    }
}

/// The link with which a browser registers a passkey: created at a terminal, used on the pool's page.
enum PasskeyLink {
    /// Asks the running pool for a link.
    /// - Returns: `link`, `seconds`, and `name` and `owner` of the passkey.
    /// - Throws: `forbidden` without a terminal, `unavailable` without a pool that serves a page.
    static func make(
        _ name: String, owner: String, environment: [String: String]
    ) async throws(MMError) -> JSONValue {
        guard Terminal.controlling.isAvailable else {
            throw MMError(
                .forbidden, "Only a person at a terminal can register a passkey, and this program has no terminal.",
                hint: "Run mm key add \(ShellWord.quoted(name)) --page in your own terminal.")
        }
        guard let pool = try await PoolFinder(environment: environment).running() else {
            throw MMError(
                .unavailable, "No pool is running, so there is no approval page.",
                hint: "Start one with a page: mm pool serve --listen 127.0.0.1:5200")
        }
        let urls = try await pool.client.ask("GET", "/v1/pool").body["urls"]?.array?.compactMap(\.string) ?? []
        guard let url = urls.first.flatMap(page) else {
            throw MMError(
                .unavailable, "The running pool has no approval page, because it listens only on its socket.",
                hint: "Stop it and start one with a page: mm pool stop, then mm pool serve --listen 127.0.0.1:5200")
        }
        let body: JSONObject = ["name": .string(name), "owner": .string(owner)]
        let answer = try await pool.client.ask("POST", "/v1/passkeys/invitation", body)
        guard answer.status == 200, let code = answer.body["code"]?.string else {
            throw MMError(
                .forbidden, answer.body["detail"]?.string ?? "The pool returned no link.",
                hint: answer.body["hint"]?.string)
        }
        return [
            "link": .string("\(url)#register=\(code)"), "seconds": answer.body["seconds"] ?? .null,
            "name": .string(name), "owner": .string(owner),
        ]
    }

    /// Returns the URL of the page with the host `localhost`, since browsers don't support passkeys for IP addresses.
    /// Behind a proxy, the owner replaces the host with the proxy's name.
    private static func page(_ url: String) -> String? {
        guard let start = url.firstRange(of: "://")?.upperBound, let port = url.lastIndex(of: ":"), port >= start else {
            return nil
        }
        return "\(url[..<start])localhost\(url[port...])/"
    }
}
