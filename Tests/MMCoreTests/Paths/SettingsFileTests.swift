import TestSupport
import Testing

@testable import MMCore

@Suite("Files with settings", .timeLimit(.minutes(5)))
struct SettingsFileTests {
    @Test(
        "are where a variable says, otherwise in the usual place",
        arguments: [
            (nil, "/usual"), ("", "/usual"), ("/named", "/named"), ("~/named", "/home/adele/named"),
            ("~", "/home/adele"), ("named", "named"),
        ])
    func paths(value: String?, path: String) {
        var environment = ["HOME": "/home/adele"]
        environment["MM_X"] = value
        #expect(SettingsFile("MM_X", usual: "/usual", environment: environment).path == path)
    }

    @Test("must exist if a variable names them")
    func reading() throws {
        let folder = try TestFolder()
        let usual = SettingsFile("MM_X", usual: folder["usual"], environment: [:])
        let named = SettingsFile("MM_X", usual: folder["usual"], environment: ["MM_X": folder["named"]])
        #expect(try usual.read(limit: 10) == nil)
        #expect(throws: MMError.self) { try named.read(limit: 10) }
        try folder.write("usual", [1])
        #expect(throws: MMError.self) { try named.read(limit: 10) }
        try folder.write("named", [2])
        #expect(try usual.read(limit: 10) == [1])
        #expect(try named.read(limit: 10) == [2])
    }
}
