import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("A connection whose cloud is a file")
struct CloudFileTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    @Test("a file that isn't there, or is none, is refused before anything is written", arguments: [nil, "{", "{}"])
    func refused(text: String?) throws {
        let path = home.path + "/cloud.json"
        if let text { try home.write(path, Array(text.utf8)) }
        let error = try #require(throws: MMError.self) {
            try ConnectionCloudCheck.check([("cloud", path)], paths: home.paths)
        }
        #expect(error.message.contains(path))
    }

    @Test("names of clouds, other keys and a key that is taken out pass")
    func passed() throws {
        try ConnectionCloudCheck.check(
            [("cloud", "public"), ("cloud", nil), ("description", "/nope.json")], paths: home.paths)
    }

    @Test("a connection of a missing file is a fault of the registry")
    func fault() throws {
        let connections = [
            try Connection(name: "A", tenant: "a.example", cloud: "/nope.json"),
            try Connection(name: "B", tenant: "b.example"),
        ]
        let problems = ConnectionCloudCheck.problems(of: connections, paths: home.paths)
        #expect(problems.map(\.connection) == ["A"] && problems.first?.key == "cloud")
    }
}
