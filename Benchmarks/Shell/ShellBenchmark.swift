import Glibc
import MMCore
import MMShell
import MMSystem

/// Measures commands in persistent shells for `Benchmarks/shell.py`: `local COUNT`, or `ssh COUNT HOST PORT USER KEY`.
/// Prints one JSON object with medians in microseconds.
@main
enum ShellBenchmark {
    static func main() async {
        let words = CommandLine.arguments
        guard words.count >= 3, let count = Int(words[2]), count >= 50, words.count == (words[1] == "ssh" ? 7 : 3)
        else {
            print("shell-benchmark local COUNT | ssh COUNT HOST PORT USER KEY")
            exit(2)
        }
        do {
            let figures = words[1] == "ssh" ? try await remote(count, Array(words[3...])) : try await local(count)
            print(JSONWriter.string(.object(figures)))
            exit(0)
        } catch {
            print("\(error)")
            exit(1)
        }
    }

    private static let environment = [
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp", "LANG": "C.UTF-8",
    ]

    private static func local(_ count: Int) async throws -> JSONObject {
        let plain = try await PipedShell.start(environment, isFull: false)
        let full = try await PipedShell.start(environment, isFull: true)
        let session = try await LocalShell.start(
            ShellSettings(name: "bench", kind: .bash, environment: environment, directory: "/tmp"))
        let told = try await LocalShell.start(
            ShellSettings(name: "told", kind: .bash, environment: environment, directory: "/tmp"))
        // After a function was defined, any word may be one: the session must assume that a command has every effect.
        try await told.expect("f() { :; }", "")
        var figures = Figures()
        // Measure all in turns, so that the load of the machine affects them equally.
        for round in 0...(count / 50) {
            figures.isWarm = round > 0
            for _ in 0..<50 { try figures.time("pipe") { try plain.run("echo hi", expecting: "hi\n") } }
            for _ in 0..<50 { try figures.time("promises") { try full.run("echo hi", expecting: "hi\n") } }
            for _ in 0..<50 {
                try await figures.time("awaited") { try await full.runAwaited("echo hi", expecting: "hi\n") }
            }
            for _ in 0..<50 { try await figures.time("engine") { try await session.expect("echo hi", "hi\n") } }
            for _ in 0..<50 { try await figures.time("engineUnsure") { try await told.expect("echo hi", "hi\n") } }
            for _ in 0..<10 {
                try await figures.time("awaitedProgram") {
                    try await full.runAwaited("/bin/echo hi", expecting: "hi\n")
                }
            }
            for _ in 0..<10 {
                try await figures.time("engineProgram") { try await session.expect("/bin/echo hi", "hi\n") }
            }
        }
        plain.end()
        full.end()
        await session.close()
        await told.close()
        return figures.medians
    }

    private static func remote(_ count: Int, _ words: [String]) async throws -> JSONObject {
        let known = "/dev/null"
        let ssh = [
            "-F", "/dev/null", "-p", words[1], "-l", words[2], "-i", words[3], "-T", "-o", "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=\(known)", "-o", "LogLevel=ERROR", words[0],
        ]
        let plain = try await HeldChannel.start(ssh, environment, isFull: false)
        let full = try await HeldChannel.start(ssh, environment, isFull: true)
        var target = SSHTarget(words[0], user: words[2], port: Int(words[1]))
        target.identityFile = words[3]
        target.configFile = "/dev/null"
        target.knownHostsFile = words[3] + ".known"
        target.hostKeys = .acceptNew
        let masters = SSHMasters(environment: environment)
        let session = try await SSHSession.connect(target, masters: masters, deadline: .after(.seconds(60)))
        var figures = Figures()
        for round in 0...(count / 50) {
            figures.isWarm = round > 0
            for _ in 0..<50 { try figures.time("channel") { try plain.run("echo hi", expecting: "hi\n") } }
            for _ in 0..<50 { try figures.time("promises") { try full.run("echo hi", expecting: "hi\n") } }
            for _ in 0..<50 {
                try await figures.time("awaited") { try await full.runAwaited("echo hi", expecting: "hi\n") }
            }
            for _ in 0..<50 { try await figures.time("engine") { try await session.expect("echo hi", "hi\n") } }
        }
        plain.end()
        full.end()
        await session.close()
        return figures.medians
    }
}

/// The measured times by name.
private struct Figures {
    private var times: [String: [Double]] = [:]
    /// Whether times are recorded; false during the warm-up.
    var isWarm = false

    mutating func time(_ name: String, _ body: () throws -> Void) rethrows {
        let begin = ContinuousClock.now
        try body()
        note(name, .now - begin)
    }

    mutating func time(_ name: String, _ body: () async throws -> Void) async rethrows {
        let begin = ContinuousClock.now
        try await body()
        note(name, .now - begin)
    }

    private mutating func note(_ name: String, _ duration: Duration) {
        if isWarm { times[name, default: []].append(duration / .microseconds(1)) }
    }

    var medians: JSONObject {
        var figures = JSONObject()
        for (name, values) in times.sorted(by: { $0.key < $1.key }) {
            figures[name] = .double(values.sorted()[values.count / 2])
        }
        return figures
    }
}

extension ShellSession {
    /// Runs a command and checks its answer.
    fileprivate func expect(_ text: String, _ wanted: String) async throws {
        let answer = try await run(text)
        guard answer.stdout.head.elementsEqual(wanted.utf8), answer.stderr.total == 0, answer.end.exitCode == 0 else {
            throw MMError(.internalError, "A wrong answer.")
        }
    }
}
