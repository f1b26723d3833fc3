import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("The doctor's look at the audit log")
struct AuditChecksTests {
    private let home: TestHome
    private let audit: AuditLog

    init() throws {
        home = try TestHome()
        audit = AuditLog(path: home.paths.auditLog, fileLimit: 2_000)
    }

    private func add(_ count: Int) throws {
        func append(_ entry: JSONObject) throws(MMError) { try audit.append(entry) }
        for _ in 0..<count { try append(["operation": "graph_request"]) }
    }

    private var row: DoctorReport.Row? {
        var report = DoctorReport()
        AuditChecks(of: audit).examine(into: &report)
        return report.rows.first
    }

    @Test("a whole log is sound, also in several files, and so is one that isn't there yet")
    func sound() throws {
        #expect(row?.state == .sound)
        try add(20)
        #expect(row?.state == .sound && row?.detail.contains("20 lines in ") == true, "\(String(describing: row))")
    }

    @Test("a changed line, a head that is gone, and a file that can't be written are told")
    func broken() throws {
        try add(4)
        let path = audit.path
        let bytes = try #require(try ProtectedFile.read(path))
        let changed = String(decoding: bytes, as: UTF8.self).replacing("graph_request", with: "graph_requests")
        try ProtectedFile.replace(path, with: Array(changed.utf8))
        #expect(row?.state == .failed && row?.detail.contains("line 1") == true)
        try ProtectedFile.replace(path, with: bytes)
        #expect(row?.state == .sound)
        try ProtectedFile.remove(path + ".head")
        #expect(row?.state == .failed && row?.detail.contains("head") == true)
        try add(1)
        #expect(row?.state == .advice && row?.detail.contains("before line 5") == true, "\(String(describing: row))")
        #expect(rename(path, path + ".away") == 0 && mkdir(path, 0o700) == 0)
        #expect(row?.state == .failed && row?.detail.contains("not a file") == true)
    }
}
