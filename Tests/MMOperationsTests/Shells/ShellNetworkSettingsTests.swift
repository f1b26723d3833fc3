import MMCore
import MMGuard
import MMHTTP
import MMShell
import Testing

@testable import MMEgress
@testable import MMOperations

@Suite("Settings of what shells reach of the network", .timeLimit(.minutes(5)))
struct ShellNetworkSettingsTests {
    private let home = JobHome()

    private func read(_ text: String) throws -> ShellsConfiguration {
        let path = home.path + "/shells.json"
        try ProtectedFile.makeDirectory(home.path)
        try ProtectedFile.replace(path, with: Array(text.utf8))
        return try ShellsConfiguration.read(["MM_SHELLS": path], home: home.path)
    }

    @Test("without a file the defaults apply, but one that MM_SHELLS names must exist")
    func missing() throws {
        #expect(try ShellsConfiguration.read([:], home: "/nowhere").sandbox == nil)
        let error = #expect(throws: MMError.self) {
            try ShellsConfiguration.read(["HOME": "/nowhere", "MM_SHELLS": "~/shells.json"], home: "/nowhere")
        }
        #expect(error?.message == "MM_SHELLS names /nowhere/shells.json, which doesn't exist.")
    }

    @Test("a list of hosts is read with the word that it belongs to, in either order")
    func hosts() throws {
        let first = try read(#"{"network": "egress", "hosts": ["api.github.com", "*.example.com", "localhost:8443"]}"#)
        #expect(first.egress?.map(\.description) == ["api.github.com", "*.example.com", "localhost:8443"])
        let second = try read(#"{"hosts": ["a.example"], "sandbox": "workspace", "network": "egress"}"#)
        #expect(second.egress?.count == 1 && second.sandbox == .workspace)
        // Whoever forgets the hosts reaches nothing.
        #expect(first.network == .none && second.network == .none)
        #expect(try read(#"{"network": [443]}"#).network == .ports([443]))
        #expect(try read("{}").egress == nil)
    }

    @Test(
        "what is missing or contradicts itself is named",
        arguments: [
            (#"{"network": "egress"}"#, "`hosts`"), (#"{"network": "egress", "hosts": []}"#, "`hosts`"),
            (#"{"network": "egress", "hosts": ["*"]}"#, "`hosts`"),
            (#"{"network": "egress", "hosts": ["a.example", 1]}"#, "`hosts`"),
            (#"{"network": "egress", "hosts": "a.example"}"#, "`hosts`"),
            (#"{"network": "egress", "hosts": ["https://a.example/"]}"#, "`hosts`"),
            (#"{"hosts": ["a.example"]}"#, "`hosts`"), (#"{"network": "all", "hosts": ["a.example"]}"#, "`hosts`"),
            (#"{"network": "egress", "hosts": ["a.example"], "sandbox": "guard"}"#, "`network`"),
            (#"{"network": "egress", "hosts": ["a.example"], "sandbox": "isolated"}"#, "`network`"),
            (#"{"sandbox": "argv", "network": "egress", "hosts": ["a.example"]}"#, "`network`"),
            (#"{"network": "some"}"#, "`network`"), (#"{"network": []}"#, "`network`"),
            (#"{"network": [443, "x"]}"#, "`network`"),
        ])
    func wrong(_ text: String, _ key: String) throws {
        let error = #expect(throws: MMError.self) { try read(text) }
        #expect(error?.code == .invalidInput)
        let message = error?.message ?? ""
        #expect(message.contains(key) && message.contains(home.path + "/shells.json"), "\(message)")
    }

    @Test("a kernel that can't keep a shell to its way starts none, and the error names the key", arguments: [0, 3, 5])
    func kernel(_ version: Int) throws {
        let error = #expect(throws: MMError.self) { try ShellWire.check(landlock: version, file: "/h/shells.json") }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("`network` is egress in /h/shells.json") == true)
        #expect(error?.hint?.contains("not started") == true)
    }

    @Test(
        "where the policy lets shells only read, only reads are sent",
        arguments: [
            ("GET", GuardPolicy.Name.readonly, true), ("HEAD", .readonly, true), ("POST", .readonly, false),
            ("DELETE", .readonly, false), ("POST", .standard, true), ("DELETE", .strict, true),
        ])
    func policy(_ method: String, _ name: GuardPolicy.Name, _ isSent: Bool) async throws {
        let hosts = EgressHosts(listed: [try #require(HostPattern("api.example.com"))], rule: "")
        let host = try #require(PlainHostName("api.example.com"))
        let place = try #require(hosts.place(host, isSecure: true))
        let requests = ShellRequests(policy: GuardPolicy(name), remedy: "")
        let verdict = await requests.judge(
            DescribedRequest(
                number: 1, session: "x", place: place, method: method, target: "/", headers: [:], body: .none,
                account: nil))
        guard case .allow = verdict else {
            #expect(!isSent)
            return
        }
        #expect(isSent)
    }
}
