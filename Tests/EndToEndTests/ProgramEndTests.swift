import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The end of the programs", .timeLimit(.minutes(5)))
struct ProgramEndTests {
    private static let compiler = ExecutableSearch.find("cc", path: ProcessEnvironment.read()["PATH"] ?? "")

    @Test(
        "isn't the libraries': what they take apart at exit, other threads may still use",
        .enabled(if: compiler != nil, "needs a C compiler"),
        arguments: [
            ([Programs.mm, "connections", "list"], 0), ([Programs.mm, "connections", "show", "none"], 1),
            ([Programs.mmMCP, "--version"], 0), ([Programs.mmMCP, "--nothing"], 2),
            ([Programs.mmSandbox, "status"], 1),
        ] as [([String], Int32)])
    func handlers(words: [String], code: Int32) async throws {
        let home = try TemporaryHome()
        let source = "void abort(void);\n__attribute__((destructor)) static void end(void) { abort(); }\n"
        let library = home.path + "/end.so"
        let compiled = try await Tenant.run(
            try #require(Self.compiler), ["-shared", "-fPIC", "-x", "c", "-o", library, "-"], home.environment,
            input: source)
        #expect(compiled.code == 0, "\(compiled)")
        var environment = home.environment
        environment["LD_PRELOAD"] = library
        let ran = try await Tenant.run(words[0], Array(words.dropFirst()), environment)
        #expect(ran.code == code, "\(ran)")
    }
}
