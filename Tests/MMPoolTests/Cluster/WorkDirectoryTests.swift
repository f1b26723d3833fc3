import MMCore
import MMSessions
import TestSupport
import Testing

@testable import MMPool

@Suite("The directory of handles", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct WorkDirectoryTests {
    @Test("is known to every node, with small answers, and encrypted in Redis")
    func entries() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            try ProtectedFile.replace("\(home.path)/key", with: Array(RandomBytes.text(bytes: 48).utf8))
            let seal = try ClusterSeal(keyFile: "\(home.path)/key")
            let address = try RedisAddress(server.url)
            let (one, two) = (
                WorkDirectory(RedisClient(address), seal: seal), WorkDirectory(RedisClient(address), seal: seal)
            )
            var job = WorkDirectory.Entry(
                handle: "job-abc", kind: .job, node: "n1", address: "http://n1", owner: "rest/mm/ann",
                started: "2026-01-01T00:00:00Z")
            job.operation = "graph_request"
            job.connection = "Contoso"
            job.state = .running
            job.summary = "a summary"
            try await one.tell(job, answer: nil, for: .seconds(600))
            #expect(try await two.entry("job-abc") == job)
            #expect(try await two.answer("job-abc") == nil)
            job.state = .done
            try await one.tell(job, answer: Array("the answer".utf8), for: .seconds(600))
            #expect(try await two.entry("job-abc")?.state == .done)
            #expect(try await two.answer("job-abc") == Array("the answer".utf8))
            var output = WorkDirectory.Entry(
                handle: "out_x", kind: .output, node: "n1", address: "http://n1", owner: "", started: "2026")
            output.bytes = 70_000
            output.isRows = true
            try await one.tell(
                output, answer: [UInt8](repeating: 1, count: WorkDirectory.keptSize + 1), for: .seconds(600))
            #expect(try await two.entry("out_x") == output)
            #expect(try await two.answer("out_x") == nil)
            #expect(try await two.jobs().map(\.handle) == ["job-abc"])
            #expect(try await two.entry("job-other") == nil)
            let keys = try await RedisServer.cli(["-p", "\(server.port)", "--scan"]).split(separator: "\n")
            for key in keys where key.hasPrefix("{") {
                #expect(!key.contains("job-abc"))
                let shown = try await RedisServer.cli(["-p", "\(server.port)", "hgetall", String(key)])
                #expect(!shown.contains("Contoso") && !shown.contains("the answer"))
            }
        }
    }
}
