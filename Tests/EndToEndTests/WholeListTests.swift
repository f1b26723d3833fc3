import MMCore
import Testing

/// A list as large as in large tenants, written to a file: the program's memory doesn't grow with it.
@Suite("Whole lists in files", .timeLimit(.minutes(10)))
struct WholeListTests {
    /// Runs its arguments as a command and prints the peak memory in KiB.
    private static let measured =
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
        + "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"

    private func memory(of users: Int) async throws -> Int {
        let tenant = try await Tenant(users: users)
        try await tenant.signIn()
        let file = "\(tenant.home.path)/users.csv"
        let ran = try await Tenant.run(
            "/usr/bin/python3",
            [
                "-c", Self.measured, Programs.mm, "graph", "Demo", "/users?$select=id,displayName,mail", "--all",
                "--download", file, "-o", "csv", "--embedded",
            ], tenant.home.environment)
        #expect(ran.code == 0, "\(ran)")
        let written = try #require(try ProtectedFile.read(file))
        #expect(written.count { $0 == 0x0A } == users + 1, "a header, and a line each")
        await tenant.stop()
        return try #require(Int(ran.output.filter(\.isNumber)))
    }

    @Test("100,000 rows as CSV need little more memory than 5,000")
    func bounded() async throws {
        let (few, many) = (try await memory(of: 5_000), try await memory(of: 100_000))
        print("5,000 rows: \(few) KiB, 100,000 rows: \(many) KiB")
        #expect(many < few + 16 * 1024, "\(few) and \(many) KiB")
    }
}
