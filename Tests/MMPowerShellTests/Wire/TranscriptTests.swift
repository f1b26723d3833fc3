import MMCore
import Testing

@testable import MMPowerShell

@Suite("Recorded frames of a real PowerShell", .timeLimit(.minutes(5)))
struct TranscriptTests {
    @Test("an error that is terminating only by -ErrorAction is reported without PowerShell's preface")
    func preface() throws {
        let type = "System.Management.Automation.ActionPreferenceStopException"
        func failure(_ message: String, _ type: String) throws -> String? {
            let frame: JSONValue = [
                "t": "end", "id": 1, "state": "Failed",
                "failure": ["message": .string(message), "type": .string(type)],
            ]
            guard case .end(_, let end) = try HostFrame.decode(JSONWriter.bytes(frame)[...]) else { return nil }
            return end.failure?.message
        }
        let preface =
            "The running command stopped because the preference variable \"ErrorActionPreference\" or common parameter is set "
            + "to Stop: "
        #expect(try failure(preface + "Not found: x", type) == "Not found: x")
        #expect(try failure("Not found: x", type) == "Not found: x")
        #expect(try failure(preface + "x", "System.Exception") == preface + "x")
    }

    @Test("there are 108 of them, and each ends exactly once, at its end")
    func complete() {
        #expect(Transcript.all.count == 108)
        for transcript in Transcript.all {
            #expect(transcript.frames.filter { $0["t"]?.string == "end" }.count == 1, "\(transcript.name)")
            #expect(transcript.frames.last?["t"]?.string == "end", "\(transcript.name)")
        }
    }

    @Test("every frame is decoded as recorded", arguments: Transcript.all)
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
                // For an error that its caller made terminating, only the cause is reported.
                let preface =
                    "The running command stopped because the preference variable \"ErrorActionPreference\" or common "
                    + "parameter is set to Stop: "
                let told = frame["failure"]?["message"]?.string?.replacing(preface, with: "")
                #expect(end.failure?.message == told)
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
