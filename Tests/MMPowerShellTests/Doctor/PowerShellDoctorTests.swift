import MMCore
import Testing

@testable import MMPowerShell

@Suite("The self-test of a PowerShell", .timeLimit(.minutes(10)))
struct PowerShellDoctorTests {
    private func examine(_ words: [String] = []) async throws -> DoctorTable {
        await PowerShellDoctor.examine(
            PowerShellLocation(program: try StandIn.program(), arguments: ["pwsh"] + words, reason: .named),
            folder: try StandIn.folder(), environment: [:])
    }

    @Test("the stand-in passes the rows of protocol, stop and prompts; all others need a real PowerShell")
    func standIn() async throws {
        let table = try await examine()
        for row in table.rows {
            switch row.outcome {
            case .passed: #expect([.wire, .stop, .prompts].contains(row.area), "\(row.name)")
            case .failed(let why): Issue.record("\(row.name): \(why)")
            case .needsRealPowerShell: break
            }
        }
        #expect(table.counts.passed >= 20)
        #expect(table.rows.filter { $0.area == .recordings }.count == 108)
        #expect(table.isSound && table.exitCode == 0)
        #expect(table.host.hasSuffix("the stand-in"))
        #expect(table.text.contains("needs a real PowerShell"))
        #expect(table.json["rows"]?.array?.count == table.rows.count)
    }

    @Test("a PowerShell that doesn't start fails the whole test", arguments: ["wrong-nonce", "dies", "old-version"])
    func broken(start: String) async throws {
        let table = try await examine(["--start", start])
        #expect(table.exitCode == 1)
        #expect(table.rows.count == 1)
        #expect(table.text.contains("FAILED"))
    }

    @Test("without a PowerShell the table says how to get one, and fails")
    func absent() {
        let error = #expect(throws: MMError.self) {
            try PowerShellLocator(environment: ["PATH": "/nowhere"], isProgram: { _ in false }).locate()
        }
        guard let error else { return }
        let table = PowerShellDoctor.absent(error)
        #expect(table.exitCode == 1)
        #expect(table.text.contains("Install PowerShell"))
    }

    @Test("recorded answers are compared by kind, order, value and id: each change is noticed")
    func comparison() throws {
        for transcript in Transcript.all {
            let records = transcript.frames.dropLast().compactMap { frame in
                PowerShellRecord.Stream(rawValue: frame["t"]?.string ?? "").map {
                    PowerShellRecord($0, frame["v"] ?? .null)
                }
            }
            var members = transcript.frames.last ?? [:]
            members["id"] = 1
            guard case .end(_, let end) = try HostFrame.decode(JSONWriter.bytes(.object(members))[...]) else {
                Issue.record("no end")
                return
            }
            let ownCode = transcript.runsProgram ? end.exitCode : nil
            let ours = CommandEnd(
                end.state, failure: end.failure, problems: end.problems, exitCode: ownCode, location: end.location)
            func answer(_ records: [PowerShellRecord], _ end: CommandEnd) -> PowerShellAnswer {
                var answer = PowerShellAnswer()
                for record in records { answer.add(.record(record), limit: .max) }
                for text in transcript.console { answer.add(.console(text), limit: .max) }
                answer.add(.end(end), limit: .max)
                return answer
            }
            try DoctorCheck.compare(answer(records, ours), transcript)
            let more = records + [PowerShellRecord(.output, "more")]
            #expect(throws: DoctorFinding.self) { try DoctorCheck.compare(answer(more, ours), transcript) }
            let otherState = CommandEnd(end.state == .stopped ? .failed : .stopped, exitCode: ownCode)
            #expect(throws: DoctorFinding.self) { try DoctorCheck.compare(answer(records, otherState), transcript) }
            let otherCode = CommandEnd(end.state, failure: end.failure, problems: end.problems, exitCode: 99)
            #expect(throws: DoctorFinding.self) { try DoctorCheck.compare(answer(records, otherCode), transcript) }
            if let place = records.firstIndex(where: { $0.stream == .output }) {
                var changed = records
                changed[place] = PowerShellRecord(.output, ["another": "value"])
                #expect(throws: DoctorFinding.self) { try DoctorCheck.compare(answer(changed, ours), transcript) }
            }
        }
    }

    @Test("a real PowerShell passes every row", .enabled(if: RealPowerShell.location != nil, "there is no pwsh here"))
    func real() async throws {
        let location = try #require(RealPowerShell.location)
        let table = await PowerShellDoctor.examine(
            location, folder: try StandIn.folder(), environment: RealPowerShell.environment)
        for row in table.rows {
            if case .failed(let why) = row.outcome { Issue.record("\(row.area.rawValue): \(row.name): \(why)") }
        }
    }
}
