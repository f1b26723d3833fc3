import MMCore
import Testing

@testable import MMPowerShell

@Suite("Recorded frames of a real PowerShell", .timeLimit(.minutes(5)))
struct TranscriptTests {
    @Test("there are 108 of them, each ends exactly once, at its end")
    func complete() {
        #expect(Transcript.all.count == 108)
        for transcript in Transcript.all {
            #expect(transcript.frames.filter { $0["t"]?.string == "end" }.count == 1, "\(transcript.name)")
            #expect(transcript.frames.last?["t"]?.string == "end", "\(transcript.name)")
        }
    }

    @Test("every frame decodes to what was recorded", arguments: Transcript.all)
    func decodes(_ transcript: Transcript) throws {
        for frame in transcript.frames {
            var members = frame
            members["id"] = 9
            let decoded = try HostFrame.decode(JSONWriter.bytes(.object(members))[...])
            switch decoded {
            case .record(let id, let record):
                #expect(id == 9)
                #expect(record.stream.rawValue == frame["t"]?.string)
                #expect(record.value == frame["v"])
            case .end(let id, let end):
                #expect(id == 9)
                #expect(end.state.rawValue == frame["state"]?.string)
                #expect(end.exitCode == frame["exitCode"]?.int)
                #expect(end.location == frame["location"]?.string)
                #expect(end.failure?.message == frame["failure"]?["message"]?.string)
                #expect(end.failure?.line == frame["failure"]?["line"]?.int)
                #expect(end.problems.count == frame["problems"]?.array?.count ?? 0)
                for (problem, recorded) in zip(end.problems, frame["problems"]?.array ?? []) {
                    #expect(problem.message == recorded["message"]?.string)
                    #expect(problem.column == recorded["column"]?.int)
                }
            default: Issue.record("\(transcript.name) decoded to \(decoded)")
            }
        }
    }
}

extension Transcript: CustomTestStringConvertible {
    package var testDescription: String { name }
}
