import MMCore
import MMShell

/// The files of this machine that a caller may name for a request: a person's own, and for everybody else what the shells
/// file lets their shells reach.
struct CallerFiles {
    private let call: ShellCallContext

    /// Reads what the owner has said.
    /// - Throws: `invalidInput` for a shells file that can't be understood.
    init(_ context: OperationContext, _ services: ShellServices) throws(MMError) {
        call = try ShellCallContext(context, services)
    }

    /// The files.
    func local() throws(MMError) -> LocalFiles {
        guard !call.context.isTerminal else { return SessionFiles.own(call) }
        let opening = call.opening
        if opening.startDirectory == DefaultWorkspace.path(call.services) { try DefaultWorkspace.make(call.services) }
        return LocalFiles(directory: opening.startDirectory, rules: opening.fileRules)
    }

    /// Opens a file that the caller names: one that isn't there is a word that can't be meant, as any other is.
    static func named<Value>(_ name: String, _ open: () async throws(MMError) -> Value) async throws(MMError) -> Value {
        do throws(MMError) { return try await open() } catch {
            guard error.code == .notFound else { throw error }
            throw MMError(
                .invalidInput, "There is no file \(name).", hint: "Check the name, and the folder that it is in.",
                details: ["file": .string(name)])
        }
    }

    /// The file that stands behind a path or the handle of a stored answer.
    /// - Returns: the file, opened, and its path.
    func open(_ text: String) async throws(MMError) -> (file: OwnedDescriptor, path: String) {
        let outputs = call.services.work.outputs.of(call.context.call.caller)
        guard text.hasPrefix("out_"), let stored = try? outputs.find(text) else {
            return try await Self.named(text) { () async throws(MMError) in try await local().open(text) }
        }
        // Who may not use a connection may not send what came from it.
        if !stored.connection.hasPrefix("/") {
            _ = try call.services.work.registry.connection(named: stored.connection, in: call.context)
        } else if let server = call.context.call.caller.server, stored.connection != "/\(server)" {
            throw MMError(.notFound, "There is no stored output '\(text.prefix(40))'.", hint: "Run the request again.")
        }
        return try await LocalFiles(directory: outputs.directory, rules: FileRules()).open(outputs.path(of: stored))
    }
}
