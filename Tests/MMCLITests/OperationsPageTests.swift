import Glibc
import MMCore
import MMOperations
import Testing

@testable import MMCLI

@Suite("The reference page of the operations", .timeLimit(.minutes(5)))
struct OperationsPageTests {
    private var path: String {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/") + "/Tools/Site/Operations.md"
    }

    @Test("is exactly what the catalogue generates (`make pages` writes it)")
    func isCurrent() throws {
        let page = OperationsPage.text(of: .standard)
        if getenv("MM_WRITE_PAGES") != nil { try ProtectedFile.replace(path, with: Array(page.utf8), mode: 0o644) }
        let file = try #require(try ProtectedFile.read(path))
        #expect(String(decoding: file, as: UTF8.self) == page, "Tools/Site/Operations.md is old: make pages writes it")
    }

    @Test("names every operation with all of its arguments")
    func isWhole() {
        let page = OperationsPage.text(of: .standard)
        for operation in Catalogue.standard.operations {
            #expect(page.contains("\n## \(operation.declaration.name)\n"))
            for field in operation.fields { #expect(page.contains("`\(field.name)`")) }
        }
    }
}
