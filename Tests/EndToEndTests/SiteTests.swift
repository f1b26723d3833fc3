import MMCore
import MMSystem
import Testing

@Suite("The documentation site", .timeLimit(.minutes(10)))
struct SiteTests {
    private static let reader = ExecutableSearch.find("cmark-gfm", path: "/usr/local/bin:/usr/bin:/bin")

    @Test(
        "is built without a network, has no broken link and loads nothing from elsewhere",
        .enabled(if: reader != nil, "needs cmark-gfm"))
    func built() async throws {
        let home = try TemporaryHome()
        let ran = try await Tenant.run(
            Programs.packageFolder + "/Scripts/site", ["--pages", home.path + "/site"], home.environment)
        #expect(ran.code == 0, "\(ran.output)\(ran.error)")
        let page = String(
            decoding: try #require(try ProtectedFile.read(home.path + "/site/index.html", limit: 8 << 20)),
            as: UTF8.self)
        #expect(page.contains("prefers-color-scheme") || page.contains("color-scheme"))
        #expect(page.contains(#"<script defer src="search.js">"#) && !page.contains(#"src="http"#))
        let entries = try #require(try ProtectedFile.read(home.path + "/site/entries.js", limit: 32 << 20))
        #expect(String(decoding: entries, as: UTF8.self).contains("StartAdministrator.html"))
    }
}
