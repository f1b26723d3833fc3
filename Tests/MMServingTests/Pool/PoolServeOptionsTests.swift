import Glibc
import MMCore
import MMOperations
import Testing

@testable import MMServing

@Suite("Options of a pool", .timeLimit(.minutes(5)))
struct PoolServeOptionsTests {
    private func options(_ arguments: JSONObject) throws(MMError) -> PoolServeOptions {
        try PoolServeOptions(
            try InputReader(operation: "pool serve", arguments: arguments, fields: PoolServeOptions.fields),
            environment: [:])
    }

    @Test("isolated pools need an address, and exclude options of a single pool")
    func isolated() throws {
        #expect(try options(["isolated": true]).isIsolated)
        #expect(try options(["isolated": true, "listen": "127.0.0.1:0", "profile": ["pool"]]).isIsolated)
        #expect(try !options(["listen": "127.0.0.1:0"]).isIsolated)
        for (arguments, word) in [
            (["isolated": true, "profile": ["pwsh-manager"]], "--profile pwsh-manager"),
            (["isolated": true, "socket": "/tmp/x.sock"], "--socket"),
            (["isolated": true, "detached": true], "--detached"),
            (["sockets": "/run/m365"], "--sockets"),
            (["pools": "https://{connection}.pools:5200"], "--pools"),
            (["isolated": true, "sockets": "/run/m365", "pools": "https://{connection}:1"], "--sockets and --pools"),
            (["isolated": true, "pools-ca": "/etc/ca.pem"], "--pools-ca"),
            (["isolated": true, "pools-token-file": "/etc/token"], "--pools-token-file"),
        ] as [(JSONObject, String)] {
            let error = #expect(throws: MMError.self) { try options(arguments) }
            #expect(error?.code == .invalidInput && error?.message.hasPrefix(word) == true, "\(arguments)")
        }
    }

    @Test("profiles are served at the --listen of the same position; a single profile at all of them")
    func addresses() throws {
        func doors(_ arguments: JSONObject) throws(MMError) -> [String] {
            try options(arguments).endpoints.map { "\($0.face.name) \($0.options.port)" }
        }
        #expect(try doors(["listen": "127.0.0.1:1"]) == ["mm 1"])
        #expect(
            try doors(["profile": ["pool", "pwsh-manager"], "listen": ["127.0.0.1:1", "127.0.0.1:2"]])
                == ["pool 1", "pwsh-manager 2"])
        #expect(try doors(["profile": ["pool"], "listen": ["127.0.0.1:1", "127.0.0.1:2"]]) == ["pool 1", "pool 2"])
        #expect(try doors(["profile": ["pool", "pwsh-manager"]]) == ["pool 5200", "pwsh-manager 5100"])
        let error = #expect(throws: MMError.self) {
            try doors(["profile": ["pool", "pwsh-manager"], "listen": "127.0.0.1:1"])
        }
        #expect(error?.message.contains("--listen flags (1)") == true)
    }

    @Test("the session manager's variables apply only if its profile is served")
    func managerVariables() throws {
        let theirs = [
            "PWSH_MANAGER_LOG_LEVEL": "WARNING", "PWSH_MANAGER_TOKEN_DIR": "/data/tokens", "MM_SESSION": "a/b",
        ]
        let served = try options(["profile": ["pool", "pwsh-manager"]])
        let environment = PoolServing.environment(theirs, of: served)
        #expect(environment["MM_LOG_LEVEL"] == "WARNING" && environment["MM_TOKEN_DIR"] == "/data/tokens")
        #expect(environment["MM_SESSION"] == nil)
        #expect(PoolServing.environment(["PWSH_MANAGER_DEBUG": "true"], of: served)["MM_LOG_LEVEL"] == "DEBUG")
        #expect(
            PoolServing.environment(theirs.merging(["MM_TOKEN_DIR": "/own"]) { $1 }, of: served)["MM_TOKEN_DIR"]
                == "/own")
        let other = PoolServing.environment(theirs, of: try options(["profile": ["pool"]]))
        #expect(other["MM_LOG_LEVEL"] == nil && other["MM_TOKEN_DIR"] == nil)
    }

    @Test(
        "a pool in the foreground logs to standard error, unless another setting is used or the journal reads it",
        arguments: [
            ([:], "console"), (["MM_LOG_STANDARD_ERROR": "json"], "json"), (["MM_LOG_STANDARD_ERROR": "off"], "off"),
            // A terminal that the desktop's service has started: the journal reads that service.
            (["JOURNAL_STREAM": "8:1"], "console"), (["JOURNAL_STREAM": "here"], nil),
        ] as [([String: String], String?)])
    func standardError(environment: [String: String], form: String?) {
        let raw = open("/dev/null", O_WRONLY)
        defer { close(raw) }
        var status = stat()
        let isKnown = fstat(raw, &status) == 0
        #expect(isKnown)
        let read = environment.mapValues { $0 == "here" ? "\(status.st_dev):\(status.st_ino)" : $0 }
        #expect(PoolServing.logging(read, standardError: raw)["MM_LOG_STANDARD_ERROR"] == form)
    }
}
