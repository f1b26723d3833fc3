import MMCore
import Testing

@Suite("A cluster of pools in separate networks", .timeLimit(.minutes(10)))
struct ClusterNetworkTests {
    private static let bench = Programs.packageFolder + "/Benchmarks/cluster_net.py"
    private static let environment = [
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
    ]

    /// Whether this user can create networks.
    private static func canMakeNetworks() async throws -> Bool {
        try await Tenant.run("/usr/bin/python3", [bench, "--check"], environment).code == 0
    }

    @Test(
        "no write is lost or repeated and no lease is held twice while packets are lost, nodes die and clocks jump",
        .enabled(if: ClusterTests.missing == nil, "\(ClusterTests.missing ?? "")"),
        .enabled("this user can't make networks, or ip, iptables or cc is missing") { try await canMakeNetworks() })
    func faults() async throws {
        let folder = Programs.mm.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let ran = try await Tenant.run(
            "/usr/bin/python3",
            [Self.bench, "--programs", folder, "--calls", "200", "--every", "5", "--lease", "1.5", "--least", "25"],
            Self.environment)
        #expect(ran.code == 0, "\(ran.output) \(ran.error)")
        print(ran.output)
    }
}
