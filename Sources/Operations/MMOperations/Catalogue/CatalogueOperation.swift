public import MMCore

/// The arguments of an operation as a typed value: properties with `Argument`, in the order in which help texts list
/// them. A property whose type is itself an input holds arguments that several operations share.
public protocol OperationInput: Sendable {
    /// Creates an input; its arguments take their values from the current `ArgumentReading`.
    init()

    /// Refuses combinations of arguments that are invalid.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    func check() throws(MMError)
}

extension OperationInput {
    /// The arguments, in the order in which help texts list them.
    public static var fields: [InputField] { ArgumentReading.fields(of: Self.self) }

    /// Accepts all combinations.
    public func check() throws(MMError) {}

    /// Decodes the arguments of one call.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    public init(from reader: InputReader) throws(MMError) {
        self = try ArgumentReading.input(from: reader)
        try check()
    }
}

/// An operation that a person or an agent can call. Tools, subcommands, routes, completions and reference pages are
/// derived from its declaration.
public protocol CatalogueOperation: Sendable {
    /// The typed arguments.
    associatedtype Input: Sendable
    /// The services that the operation uses; `Void` if it needs none.
    associatedtype Services: Sendable

    /// The declaration: name, texts and effects.
    var declaration: OperationDeclaration { get }

    /// The arguments, in the order in which help texts list them.
    var fields: [InputField] { get }

    /// Decodes the arguments of one call.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    func input(from reader: InputReader) throws(MMError) -> Input

    /// Does the work.
    /// - Parameters:
    ///   - input: the decoded arguments.
    ///   - context: who calls, for how long, and which person can be asked.
    ///   - services: the services that the operation uses.
    /// - Throws: `MMError`.
    func run(
        _ input: Input, in context: OperationContext, with services: Services
    ) async throws(MMError) -> OperationAnswer
}

extension CatalogueOperation where Input: OperationInput {
    /// The arguments of the input type.
    public var fields: [InputField] { Input.fields }

    /// Decodes the input.
    /// - Throws: the errors of the input's initialiser.
    public func input(from reader: InputReader) throws(MMError) -> Input { try Input(from: reader) }
}

/// The input of an operation without arguments.
public struct NoInput: OperationInput {
    /// Creates the input.
    public init() {}
}
