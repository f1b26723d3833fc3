import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("SARIF logs of drift")
struct DriftReportTests {
    @Test("keep the rules of the format, with names that no path takes as they are, and with gaps")
    func drift() throws {
        let home = try TestHome()
        let names = ["Plain", "a b", "C:drive", "100% Ü", "quote\"and'so", "line\u{2028}break", "#1?x=y"]
        try write("before", ["groups"], names.map { ($0, "old") }, home)
        try write("after", ["groups", "apps"], names.dropFirst().map { ($0, "new") }, home)
        let difference = try SnapshotDifference(
            from: try SnapshotFolder(home.path + "/before"), to: try SnapshotFolder(home.path + "/after"))
        let log = DriftReport(difference, before: "before", after: "after", ids: [:]).sarif
        #expect(SARIFRules.violations(of: log) == [])
        let results = try #require(log["runs"]?[0]?["results"]?.array)
        #expect(results.count == names.count)
        #expect(log["runs"]?[0]?["tool"]?["driver"]?["rules"]?.array?.count == 1)
        #expect(log["runs"]?[0]?["invocations"]?[0]?["executionSuccessful"] == false)
        let digests = Set(results.map { $0["partialFingerprints"]?["drift/v1"]?.string ?? "" })
        #expect(digests.count == names.count && !digests.contains(""))
    }

    @Test("of an unchanged tenant have no results")
    func empty() throws {
        let home = try TestHome()
        try write("before", ["groups"], [("One", "old")], home)
        let folder = try SnapshotFolder(home.path + "/before")
        let log = DriftReport(
            try SnapshotDifference(from: folder, to: folder), before: "a", after: "b", ids: [:]
        ).sarif
        #expect(SARIFRules.violations(of: log) == [])
        #expect(log["runs"]?[0]?["results"] == [])
        #expect(log["runs"]?[0]?["invocations"]?[0]?["executionSuccessful"] == true)
    }

    /// Writes a snapshot with some groups.
    private func write(
        _ name: String, _ kinds: [String], _ groups: some Sequence<(name: String, text: String)>, _ home: TestHome
    ) throws {
        let folder = "\(home.path)/\(name)"
        let header = SnapshotHeader(
            connection: "Demo", tenant: SnapshotTenant(id: "t", defaultDomain: nil, initialDomain: nil), read: kinds)
        try ProtectedFile.replace("\(folder)/snapshot.json", with: JSONWriter.bytes(header.json))
        for (number, group) in groups.enumerated() {
            let object: JSONValue = [
                "id": .string(group.name), "displayName": .string(group.name), "description": .string(group.text),
            ]
            try ProtectedFile.replace("\(folder)/groups/\(number) \(name)%#:.json", with: JSONWriter.bytes(object))
        }
    }
}
