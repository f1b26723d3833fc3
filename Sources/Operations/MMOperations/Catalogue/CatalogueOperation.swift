public import MMCore

/// The arguments of an operation as a typed value: properties with `Argument`, in the order help texts list them. A property
/// that is an input itself holds arguments that several operations have.
public protocol OperationInput: Sendable {
    /// An input for the arguments of a call to come into.
    init()

    /// Refuses what doesn't go together.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    func check() throws(MMError)
}

extension OperationInput {
    /// The arguments, in the order help texts list them.
    public static var fields: [InputField] { ArgumentReading.fields(of: Self.self) }

    /// Everything goes together.
    public func check() throws(MMError) {}

    /// Decodes the arguments of one call.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    public init(from reader: InputReader) throws(MMError) {
        self = try ArgumentReading.input(from: reader)
        try check()
    }
}

/// Something a person or an agent can ask for. Declared once here; tools, subcommands, routes, completions and
/// reference pages are projections of it.
public protocol CatalogueOperation: Sendable {
    /// The typed arguments.
    associatedtype Input: Sendable
    /// What it works with, and nothing else; `Void` where it needs nothing of its process.
    associatedtype Services: Sendable

    /// Name, texts and effects.
    var declaration: OperationDeclaration { get }

    /// The arguments, in the order help texts list them.
    var fields: [InputField] { get }

    /// Decodes the arguments of one call.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    func input(from reader: InputReader) throws(MMError) -> Input

    /// Does the work.
    /// - Parameters:
    ///   - input: the decoded arguments.
    ///   - context: who calls, for how long, and who can be asked back.
    ///   - services: what it works with.
    /// - Throws: `MMError`.
    func run(
        _ input: Input, in context: OperationContext, with services: Services
    ) async throws(MMError) -> OperationAnswer
}

extension CatalogueOperation where Input: OperationInput {
    /// Those of the input.
    public var fields: [InputField] { Input.fields }

    /// Decodes the input.
    /// - Throws: as the input's own initialiser.
    public func input(from reader: InputReader) throws(MMError) -> Input { try Input(from: reader) }
}

/// Arguments of an operation that takes none.
public struct NoInput: OperationInput {
    /// Nothing to decode.
    public init() {}
}
