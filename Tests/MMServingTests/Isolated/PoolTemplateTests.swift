import MMCore
import MMPool
import Testing

@testable import MMServing

@Suite("The addresses of pools on other machines", .timeLimit(.minutes(5)))
struct PoolTemplateTests {
    private func template(_ text: String, trustsNetwork: Bool = false) throws(MMError) -> PoolTemplate {
        try PoolTemplate(text, bearer: nil, trustsNetwork: trustsNetwork)
    }

    @Test(
        "a connection's name becomes a DNS label",
        arguments: [
            ("Contoso", "contoso"), ("Contoso GmbH & Co", "contoso-gmbh-co"), ("-A_b.C-", "a-b-c"),
            ("Zürich", "z-rich"),
            ("株式会社", nil), ("", nil), (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
            (String(repeating: "a", count: 64), nil),
        ] as [(String, String?)])
    func label(name: String, label: String?) {
        #expect(PoolTemplate.label(name) == label)
    }

    @Test("two connections with the same host name get none")
    func collisions() throws {
        let pools = try template("https://{connection}-pool-0.mm-pools.x.svc:5200")
        let names = ["Contoso", "Fabrikam", "fabrikam", "Tail Spin", "Tail.Spin"]
        #expect(
            try pools.address("Contoso", among: names).description == "https://contoso-pool-0.mm-pools.x.svc:5200")
        for name in names.dropFirst() {
            let error = #expect(throws: MMError.self) { try pools.address(name, among: names) }
            #expect(error?.code == .invalidInput && error?.message.contains("same host name") == true)
        }
        #expect(throws: MMError.self) { try pools.address("株式会社", among: ["株式会社"]) }
    }

    @Test(
        "a template has the connection once, in its host, and TLS",
        arguments: [
            "https://pools.x.svc:5200", "https://pools/{connection}", "{connection}",
            "https://{connection}.{connection}",
            "http://{connection}.pools:5200", "ftp://{connection}", "https://user@{connection}", "",
        ])
    func refused(text: String) {
        let error = #expect(throws: MMError.self) { try template(text) }
        #expect(error?.code == .invalidInput, "\(text)")
    }

    @Test("plain HTTP needs an explicit setting, for closed networks")
    func plain() throws {
        let pools = try template("http://{connection}.pools:5200", trustsNetwork: true)
        #expect(try pools.address("A").description == "http://a.pools:5200")
    }
}
