import Glibc
import MMCore
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("The confinement of a connection's own pool", .timeLimit(.minutes(5)))
struct IsolatedWallTests {
    private static let hasNamespaces: Bool = {
        // The same check as in the product, without waiting for a task, which a trait can't do.
        let words = ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/true"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        var status: Int32 = 0
        guard access("/usr/bin/setpriv", X_OK) == 0,
            posix_spawn(&child, words[0], nil, nil, &arguments, nil) == 0, waitpid(child, &status, 0) == child
        else { return false }
        return status == 0
    }()

    private static let skipped: Comment = "this kernel lets this user make no namespaces"

    /// Runs a script in the confinement, with its own folder, a neighbour's, and the owner's tokens and registry.
    /// - Parameter mounted: a folder in the home on which another file system is mounted before.
    private func run(_ script: String, in home: TestHome, mounted: String? = nil) async throws -> String {
        for (path, text) in [
            ("state/own/mine", "MINE"), ("state/other/secret", "NEIGHBOURS"), ("tokens/Contoso.json", "OWNERS"),
            ("registry.json", "REGISTRY"), ("open", "OPEN"), ("sockets/bus", "BUS"),
        ] { try home.write("\(home.path)/\(path)", Array(text.utf8)) }
        var command = IsolatedWall.namespaces.command(
            "/bin/sh", ["-c", script], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROOT": home.path],
            folder: home.path + "/state/own", hidden: ["state", "tokens", "nowhere"].map { "\(home.path)/\($0)" },
            masked: ["registry.json", "registry.json.bak"].map { "\(home.path)/\($0)" },
            kept: [home.path, "/", "\(home.path)/nowhere"], readable: [],
            socketFolder: home.path + "/sockets")
        if let mounted {
            let outer = #"mkdir "$1"; mount -t tmpfs none "$1"; shift; exec "$@""#
            command = ChildCommand(
                "/usr/bin/unshare",
                ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", outer, "sh", "\(home.path)/\(mounted)"]
                    + [command.executable] + command.arguments, environment: command.environment)
        }
        command.error = .output
        let outcome = try await ChildProcess.run(command, input: [], timeout: .seconds(240))
        return String(decoding: outcome.output, as: UTF8.self)
    }

    @Test("is the one that is demanded; another word stops the start", arguments: ["landlok", "Namespaces", "none"])
    func demanded(word: String) async throws {
        let error = await #expect(throws: MMError.self) {
            try await IsolatedWall.strongest(environment: ["MM_ISOLATED_WALL": word])
        }
        #expect(error?.code == .invalidInput && error?.message.contains("`\(word)`") == true)
        do throws(MMError) {
            #expect(try await IsolatedWall.strongest(environment: ["MM_ISOLATED_WALL": "landlock"]) == .landlock)
        } catch {
            #expect(error.code == .unsupported && error.message.hasSuffix("demands: landlock."))
        }
    }

    @Test("hides the owner's folders and files, and leaves the pool its own", .enabled(if: hasNamespaces, skipped))
    func hides() async throws {
        let home = try TestHome()
        let text = try await run(
            """
            pwd
            cat "$ROOT/state/own/mine" "$ROOT/sockets/bus" "$ROOT/open"; echo
            echo new >"$ROOT/state/own/new"
            { echo changed >"$ROOT/open"; } 2>/dev/null || echo KEPT
            ls -A "$ROOT/state"
            cat "$ROOT/state/other/secret" "$ROOT"/tokens/* "$ROOT/registry.json" 2>/dev/null
            ls -A "$ROOT/tokens"
            echo END
            """, in: home)
        #expect(text == "\(home.path)/state/own\nMINEBUSOPEN\nKEPT\nown\nEND\n")
        #expect(try home.read(home.path + "/state/own/new") == Array("new\n".utf8))
        #expect(try home.read(home.path + "/tokens/Contoso.json") == Array("OWNERS".utf8))
        #expect(try home.read(home.path + "/open") == Array("OPEN".utf8))
    }

    @Test(
        "keeps a file system that is mounted in the owner's home as it is", .enabled(if: hasNamespaces, skipped),
        arguments: ["disk", "a disk", #"a\disk"#])
    func mounted(name: String) async throws {
        let text = try await run(
            #"{ echo new >"$ROOT/\#(name)/new"; } 2>/dev/null || echo KEPT"#, in: try TestHome(), mounted: name)
        #expect(text == "KEPT\n")
    }

    @Test(
        "takes every privilege that would undo it, for good", .enabled(if: hasNamespaces, skipped),
        arguments: ["", "/usr/bin/unshare --user --map-root-user --mount "])
    func privileges(prefix: String) async throws {
        let home = try TestHome()
        let status = try await run("cat /proc/self/status", in: home)
        let fields = Dictionary(
            status.split(separator: "\n").compactMap { line -> (String, String)? in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { return nil }
                return (String(parts[0]), parts[1].filter { $0 != " " && $0 != "\t" })
            }, uniquingKeysWith: { first, _ in first })
        #expect(fields["NoNewPrivs"] == "1")
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(fields[set] == "0000000000000000", "\(set)")
        }
        // Hidden files stay hidden in a nested namespace too: its mounts are locked there.
        let text = try await run(
            """
            \(prefix)/bin/sh -c '
            for place in state tokens registry.json; do umount -l "$ROOT/$place" && echo UNDONE "$place"; done
            mount --bind / "$ROOT/sockets" && echo MOUNTED
            for top in "" "$ROOT/sockets"; do
                cat "$top$ROOT"/tokens/* "$top$ROOT/state/other/secret" "$top$ROOT/registry.json"
            done
            ' 2>/dev/null
            cat "$ROOT"/tokens/* "$ROOT/registry.json" 2>/dev/null
            echo END
            """, in: home)
        #expect(text.hasSuffix("END\n"))
        for secret in ["OWNERS", "NEIGHBOURS", "REGISTRY", "UNDONE"] { #expect(!text.contains(secret), "\(text)") }
        if prefix.isEmpty { #expect(text == "END\n") }
    }

    @Test(
        "the limits of a pool are those of its control group, which sessions have, too",
        arguments: [
            ([:], TreeLimits(memory: 512 << 20, processors: 0.5)),
            (["MM_ISOLATED_MEMORY_MB": "64", "MM_ISOLATED_CPUS": "2"], TreeLimits(memory: 64 << 20, processors: 2)),
        ] as [([String: String], TreeLimits)])
    func limits(variables: [String: String], limits: TreeLimits) throws {
        #expect(try IsolatedCaps(environment: variables).together == limits)
    }
}
