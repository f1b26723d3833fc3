public import MMCore

/// The arguments of an operation as a typed value.
public protocol OperationInput: Sendable {
    /// The arguments, in the order help texts list them.
    static var fields: [InputField] { get }

    /// Decodes the arguments of one call.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    init(from reader: InputReader) throws(MMError)
}

/// Something a person or an agent can ask for. Declared once here; tools, subcommands, routes, completions and
/// reference pages are projections of it.
public protocol Operation: Sendable {
    /// The typed arguments.
    associatedtype Input: OperationInput

    /// Name, texts and effects.
    var declaration: OperationDeclaration { get }

    /// Does the work.
    /// - Parameters:
    ///   - input: the decoded arguments.
    ///   - context: who calls, and what the work may use.
    /// - Throws: `MMError`.
    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer
}

/// Arguments of an operation that takes none.
public struct NoInput: OperationInput {
    /// None.
    public static let fields: [InputField] = []
    /// Nothing to decode.
    public init(from reader: InputReader) throws(MMError) {}
}
