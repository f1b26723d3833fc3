import Glibc
import MMCore
import MMSystem
import Testing

@Suite("A cluster of pools", .timeLimit(.minutes(10)))
struct ClusterTests {
    /// Why these tests can't run on this machine; `nil` if they can.
    static let missing: String? = {
        let path = "/usr/local/bin:/usr/bin:/bin"
        for name in ["python3", "redis-server", "redis-cli"] where ExecutableSearch.find(name, path: path) == nil {
            return "\(name) is not installed"
        }
        guard let library = dlopen("libhiredis.so.0.14", RTLD_NOW) ?? dlopen("libhiredis.so.1.1.0", RTLD_NOW) else {
            return "libhiredis is not installed"
        }
        dlclose(library)
        return nil
    }()

    @Test(
        "no write is lost or repeated while nodes are killed and paused and Redis is unreachable",
        .enabled(if: missing == nil, "\(missing ?? "")"))
    func faults() async throws {
        let folder = Programs.mm.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let ran = try await Tenant.run(
            "/usr/bin/python3",
            [
                Programs.packageFolder + "/Benchmarks/cluster.py", "--programs", folder, "--calls", "300", "--every",
                "3",
                "--lease", "1.5", "--least", "20",
            ], ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"])
        #expect(ran.code == 0, "\(ran.output) \(ran.error)")
        print(ran.output)
    }
}
