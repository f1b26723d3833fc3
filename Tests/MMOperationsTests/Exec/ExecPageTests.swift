import MMCore
import Testing

@testable import MMOperations

@Suite("The page of mm exec")
struct ExecPageTests {
    @Test("says of each tool that is tried how it finds the identity", arguments: ExecDoctor.trials.map(\.tool))
    func tools(tool: String) throws {
        let folder = "/" + #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
        let bytes = try #require(try ProtectedFile.read(folder + "/Docs/Exec.md"))
        let page = String(decoding: bytes, as: UTF8.self)
        let trial = try #require(ExecDoctor.trials.first { $0.tool == tool })
        // The word by which the page speaks of it stands in what is told after it was tried.
        let words = trial.way.split { !($0.isLetter || $0.isNumber || "-_".contains($0)) }
            .filter { $0.contains("_") || $0.contains("-") || $0.dropFirst().contains(where: \.isUppercase) }
        #expect(words.contains { page.contains(String($0)) }, "\(tool): \(trial.way)")
    }
}
