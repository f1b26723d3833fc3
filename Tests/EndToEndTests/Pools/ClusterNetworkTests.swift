import MMCore
import Testing

@Suite("Several pools in networks of their own", .timeLimit(.minutes(10)))
struct ClusterNetworkTests {
    private static let bench = Programs.packageFolder + "/Benchmarks/cluster_net.py"
    private static let environment = [
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
    ]

    /// Why that can't be tried here; `nil` when it can.
    private static func missing() async throws -> String? {
        if let missing = ClusterTests.missing { return missing }
        let ran = try await Tenant.run("/usr/bin/python3", [bench, "--check"], environment)
        return ran.code == 0 ? nil : ran.output + ran.error
    }

    @Test(
        "no write is lost or carried out twice and no lease is held twice while packets vanish, nodes die and clocks jump"
    )
    func faults() async throws {
        if let missing = try await Self.missing() {
            print("skipped: \(missing)")
            return
        }
        let folder = Programs.mm.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let ran = try await Tenant.run(
            "/usr/bin/python3",
            [Self.bench, "--programs", folder, "--calls", "200", "--every", "5", "--lease", "1.5", "--least", "25"],
            Self.environment)
        #expect(ran.code == 0, "\(ran.output) \(ran.error)")
        print(ran.output)
    }
}
