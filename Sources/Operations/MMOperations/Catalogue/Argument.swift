public import MMCore

/// An argument of an operation, declared at the property that holds its value:
///
/// ```swift
/// struct Input: OperationInput {
///     @Argument("connection", "Name of the connection.", .at(0)) var connection: String
///     @Argument("days", "Days until a group ends.", in: 30...720) var days = 180
///     @Argument("dryRun", "Show what would be sent; only reads are.") var isDryRun: Bool
/// }
/// ```
///
/// JSON Schema, flags, help, completion and the decoding of calls are derived from it. The type of the property decides
/// which values are accepted. An argument is required unless it is optional, has a default, or is a Boolean, a list or
/// a set of parameters; these are false or empty when left out.
///
/// Finding a value's wrapped properties by reflection would take several microseconds each. Instead, an input is
/// initialised while an `ArgumentReading` is current, and each argument describes itself to it, or takes its value from
/// it, when it is initialised.
@propertyWrapper
public struct Argument<Value: Sendable>: Sendable {
    private var value: Value?

    /// The value that the call gave, or the default.
    public var wrappedValue: Value {
        get {
            guard let value else { preconditionFailure("a required argument was read before it was given") }
            return value
        }
        set { value = newValue }
    }

    /// Creates a property for several arguments that form one value, such as the keys of an entry.
    /// - Parameters:
    ///   - fields: the arguments.
    ///   - absent: the value when a call leaves them out; `nil` if such a call is refused.
    ///   - read: reads the value; returns `nil` if the call leaves the arguments out.
    package init(
        _ fields: @autoclosure () -> [InputField], absent: Value?,
        reading read: (InputReader) throws(MMError) -> Value?
    ) {
        value = ArgumentReading.current?.take(fields, read) ?? absent
    }

    /// Creates an argument with its own reading function.
    package init(
        _ field: @autoclosure () -> InputField, absent: Value?,
        reading read: (InputReader) throws(MMError) -> Value?
    ) {
        self.init([field()], absent: absent, reading: read)
    }

    fileprivate init(
        _ name: String, _ summary: String, _ kind: @autoclosure () -> InputField.Kind, _ traits: [InputField.Trait],
        absent: Value?, reading read: (InputReader) throws(MMError) -> Value?
    ) {
        // A call needs the description only where an argument is missing.
        func field() -> InputField {
            let field = InputField(name, kind(), summary, traits: traits)
            return absent == nil ? field.with(.required) : field
        }
        self.init(field(), absent: absent, reading: read)
    }
}

extension Argument where Value: ArgumentValue {
    /// Creates a required argument.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, Value.kind, traits, absent: nil) { reader throws(MMError) in
            try Value.read(name, from: reader)
        }
    }

    /// Creates an argument with a default.
    public init(wrappedValue: Value, _ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, Value.kind, traits, absent: wrappedValue) { reader throws(MMError) in
            try Value.read(name, from: reader)
        }
    }

    /// Creates a required argument from a field that several operations share.
    package init(_ field: InputField) {
        self.init(field.with(.required), absent: nil) { reader throws(MMError) in
            try Value.read(field.name, from: reader)
        }
    }
}

extension Argument {
    /// Creates an optional argument.
    public init<Given: ArgumentValue>(_ name: String, _ summary: String, _ traits: InputField.Trait...)
    where Value == Given? {
        self.init(name, summary, Given.kind, traits, absent: .some(nil)) { reader throws(MMError) in
            try Given.read(name, from: reader)
        }
    }

    /// Creates an optional argument from a field that several operations share.
    package init<Given: ArgumentValue>(_ field: InputField) where Value == Given? {
        self.init(field, absent: .some(nil)) { reader throws(MMError) in try Given.read(field.name, from: reader) }
    }

    /// Creates an optional argument whose text is converted to another type.
    /// - Parameter meaning: converts the text; its error names the argument and the remedy.
    public init<Given: Sendable>(
        _ name: String, _ summary: String, _ traits: InputField.Trait...,
        as meaning: (String) throws(MMError) -> Given
    ) where Value == Given? {
        self.init(name, summary, .text, traits, absent: .some(nil)) { reader throws(MMError) in
            guard let text = try reader.text(name) else { return nil }
            return try meaning(text)
        }
    }

    /// Creates an argument whose texts are converted to another type.
    /// - Parameter meaning: converts all texts together; its error names the argument and the remedy.
    public init(
        wrappedValue: Value, _ name: String, _ summary: String, _ traits: InputField.Trait...,
        asAll meaning: ([String]) throws(MMError) -> Value
    ) {
        self.init(
            wrappedValue: wrappedValue, InputField(name, .textList, summary, traits: traits), asAll: meaning)
    }

    /// Creates an argument whose texts are converted to another type, from a field that several operations share.
    package init(
        wrappedValue: Value, _ field: InputField, asAll meaning: ([String]) throws(MMError) -> Value
    ) {
        self.init(field, absent: wrappedValue) { reader throws(MMError) in
            guard let texts = try reader.textList(field.name) else { return nil }
            return try meaning(texts)
        }
    }
}

extension Argument where Value == Bool {
    /// Creates a Boolean argument, false when left out.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .flag, traits, absent: false) { reader throws(MMError) in try reader.flag(name) }
    }

    /// Creates a Boolean argument from a field that several operations share.
    package init(_ field: InputField) {
        self.init(field, absent: false) { reader throws(MMError) in try reader.flag(field.name) }
    }
}

extension Argument where Value == [String] {
    /// Creates an argument of any number of texts, empty when left out.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .textList, traits, absent: []) { reader throws(MMError) in
            try reader.textList(name)
        }
    }
}

extension Argument where Value == Int? {
    /// Creates an optional argument for a whole number within bounds.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait..., in range: ClosedRange<Int>) {
        self.init(name, summary, .integer(range), traits, absent: .some(nil)) { reader throws(MMError) in
            try reader.integer(name)
        }
    }
}

extension Argument where Value == Int {
    /// Creates an argument for a whole number within bounds, with a default.
    public init(
        wrappedValue: Int, _ name: String, _ summary: String, _ traits: InputField.Trait..., in range: ClosedRange<Int>
    ) {
        self.init(name, summary, .integer(range), traits, absent: wrappedValue) { reader throws(MMError) in
            try reader.integer(name)
        }
    }
}

extension Argument where Value == String? {
    /// Creates an optional argument that is one of the given words.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait..., of words: [String]) {
        self.init(name, summary, .choice(words), traits, absent: .some(nil)) { reader throws(MMError) in
            try reader.text(name)
        }
    }
}

extension Argument where Value == String {
    /// Creates an argument that is one of the given words, with a default.
    public init(
        wrappedValue: String, _ name: String, _ summary: String, _ traits: InputField.Trait..., of words: [String]
    ) {
        self.init(name, summary, .choice(words), traits, absent: wrappedValue) { reader throws(MMError) in
            try reader.text(name)
        }
    }
}

extension Argument where Value == [(name: String, value: String)] {
    /// Creates an argument of named parameters, in the order written.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .parameters, traits, absent: []) { reader throws(MMError) in
            try reader.parameters(name)
        }
    }
}

extension Argument where Value == [(name: String, value: JSONValue)] {
    /// Creates an argument of values for a script's parameters, in the order written.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .arguments, traits, absent: []) { reader throws(MMError) in
            try reader.arguments(name)
        }
    }
}

extension Argument where Value == [(tool: String, arguments: JSONObject)] {
    /// Creates an argument of calls of other operations, in order.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .calls, traits, absent: []) { reader throws(MMError) in try reader.calls(name) }
    }
}

/// A type of argument values, with its representation in calls. An enumeration with string raw values needs nothing but
/// the conformance.
public protocol ArgumentValue: Sendable {
    /// The kind of values in a call.
    static var kind: InputField.Kind { get }
    /// Reads the argument with this name; `nil` if the call leaves it out.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    static func read(_ name: String, from reader: InputReader) throws(MMError) -> Self?
}

extension ArgumentValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    /// The raw values of the cases, as a choice.
    public static var kind: InputField.Kind { .choice(allCases.map(\.rawValue)) }

    /// Reads a case by its raw value.
    public static func read(_ name: String, from reader: InputReader) throws(MMError) -> Self? {
        try reader.text(name).flatMap { Self(rawValue: $0) }
    }
}

extension String: ArgumentValue {
    /// The kind for any text.
    public static var kind: InputField.Kind { .text }

    /// Reads a text; `nil` for an empty one.
    public static func read(_ name: String, from reader: InputReader) throws(MMError) -> String? {
        try reader.text(name)
    }
}

extension JSONObject: ArgumentValue {
    /// The kind for a JSON object.
    public static var kind: InputField.Kind { .object }

    /// Reads an object, or a text that contains one as JSON.
    public static func read(_ name: String, from reader: InputReader) throws(MMError) -> JSONObject? {
        try reader.object(name)
    }
}

/// The context in which an input is initialised: its arguments describe themselves to it, or take their values from it;
/// see ``Argument``.
final class ArgumentReading: Sendable {
    @TaskLocal static var current: ArgumentReading?

    private struct State {
        var fields: [InputField] = []
        var fault: MMError?
    }
    /// The arguments of the call; `nil` while the arguments are only described.
    private let reader: InputReader?
    private let state = Mutex(State())

    private init(_ reader: InputReader?) { self.reader = reader }

    /// Returns the arguments that an input declares, in order.
    static func fields<Input: OperationInput>(of input: Input.Type) -> [InputField] {
        let reading = ArgumentReading(nil)
        _ = $current.withValue(reading) { Input() }
        return reading.state.withLock { $0.fields }
    }

    /// Creates an input from the arguments of a call.
    /// - Throws: the error of the first invalid argument.
    static func input<Input: OperationInput>(from reader: InputReader) throws(MMError) -> Input {
        let reading = ArgumentReading(reader)
        let input = $current.withValue(reading) { Input() }
        if let fault = reading.state.withLock({ $0.fault }) { throw fault }
        return input
    }

    /// Records the fields of one property, or reads its value. After an error nothing more is read.
    fileprivate func take<Value>(
        _ fields: () -> [InputField], _ read: (InputReader) throws(MMError) -> Value?
    ) -> Value? {
        guard let reader else {
            let fields = fields()
            state.withLock { $0.fields += fields }
            return nil
        }
        guard state.withLock({ $0.fault == nil }) else { return nil }
        do throws(MMError) {
            if let value = try read(reader) { return value }
            for field in fields() where field.isRequired { throw reader.missing(field.name) }
        } catch {
            state.withLock { $0.fault = error }
        }
        return nil
    }
}
