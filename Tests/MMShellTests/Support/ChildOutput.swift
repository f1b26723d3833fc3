import MMSystem

/// The output of a program.
enum ChildOutput {
    static func of(_ program: String, _ arguments: [String]) async throws -> String {
        let path = ExecutableSearch.find(program, path: Shells.path) ?? program
        let outcome = try await ChildProcess.run(
            ChildCommand(path, arguments, environment: Shells.environment), timeout: .seconds(300))
        return String(decoding: outcome.output, as: UTF8.self)
    }
}
