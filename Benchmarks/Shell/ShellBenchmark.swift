import Glibc
import MMCore
import MMShell
import MMSystem

/// Measures commands in lasting shells for `Benchmarks/shell.py`: `local COUNT`. One JSON object on standard output holds
/// medians in microseconds.
@main
enum ShellBenchmark {
    static func main() async {
        let words = CommandLine.arguments
        guard words.count == 3, let count = Int(words[2]), count > 0 else {
            print("shell-benchmark local COUNT")
            exit(2)
        }
        do {
            print(JSONWriter.string(.object(try await local(count))))
            exit(0)
        } catch {
            print("\(error)")
            exit(1)
        }
    }

    private static func local(_ count: Int) async throws -> JSONObject {
        let environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"]
        let plain = try await PipedShell.start(environment, isFull: false)
        let full = try await PipedShell.start(environment, isFull: true)
        let session = try await LocalShell.start(
            ShellSettings(name: "bench", kind: .bash, environment: environment, directory: "/tmp"))
        var times: [String: [Double]] = [:]
        func note(_ name: String, _ duration: Duration) { times[name, default: []].append(duration / .microseconds(1)) }
        // In turns, so that the machine is the same for all of them.
        for round in 0..<(count / 50 + 1) {
            for _ in 0..<50 {
                let begin = ContinuousClock.now
                try plain.run("echo hi", expecting: "hi\n")
                if round > 0 { note("pipe", .now - begin) }
            }
            for _ in 0..<50 {
                let begin = ContinuousClock.now
                try full.run("echo hi", expecting: "hi\n")
                if round > 0 { note("pipeWithPromises", .now - begin) }
            }
            for _ in 0..<50 {
                let begin = ContinuousClock.now
                try await full.runAwaited("echo hi", expecting: "hi\n")
                if round > 0 { note("pipeWithPromisesAwaited", .now - begin) }
            }
            for _ in 0..<50 {
                let begin = ContinuousClock.now
                let answer = try await session.run("echo hi")
                guard answer.stdout.head == Array("hi\n".utf8), answer.end.exitCode == 0 else {
                    throw MMError(.internalError, "A wrong answer.")
                }
                if round > 0 {
                    note("engine", .now - begin)
                    note("engineToReport", answer.end.duration)
                }
            }
        }
        plain.end()
        full.end()
        await session.close()
        var figures = JSONObject()
        for (name, values) in times {
            let sorted = values.sorted()
            figures[name] = .double(sorted[sorted.count / 2])
            figures[name + "P95"] = .double(sorted[sorted.count * 95 / 100])
        }
        return figures
    }
}
