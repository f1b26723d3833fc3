public import MMCore

/// An argument of an operation, declared once, where its value stands:
///
/// ```swift
/// struct Input: OperationInput {
///     @Argument("connection", "Name of the connection.", .at(0)) var connection: String
///     @Argument("days", "Days until a group ends.", in: 30...720) var days = 180
///     @Argument("dryRun", "Show what would be sent; only reads are.") var isDryRun: Bool
/// }
/// ```
///
/// JSON Schema, flags, help, completion and the decoding of a call follow from it. The type says what it takes: an argument with
/// neither `?` nor a default is required, but for yes or no, lists and parameters, which are empty when left out.
///
/// Swift goes through a value's wrapped properties by reflection alone, at several microseconds each. So an input is made while
/// an `ArgumentReading` is open, and each argument describes itself to it, or takes its value from it, as it comes to be.
@propertyWrapper
public struct Argument<Value: Sendable>: Sendable {
    private var value: Value?

    /// What the call gave, or what it is without.
    public var wrappedValue: Value {
        get {
            guard let value else { preconditionFailure("a required argument was read before it was given") }
            return value
        }
        set { value = newValue }
    }

    /// Arguments that make one value together, such as the keys of an entry.
    /// - Parameters:
    ///   - fields: names, kinds, texts and places.
    ///   - absent: what it is when a call leaves them out; `nil` where such a call is refused.
    ///   - read: reads them; `nil` where the call leaves them out.
    package init(_ fields: [InputField], absent: Value?, reading read: (InputReader) throws(MMError) -> Value?) {
        value = ArgumentReading.current?.take(fields, read) ?? absent
    }

    /// An argument that is read in a way of its own.
    package init(_ field: InputField, absent: Value?, reading read: (InputReader) throws(MMError) -> Value?) {
        self.init([field], absent: absent, reading: read)
    }

    fileprivate init(
        _ name: String, _ summary: String, _ kind: InputField.Kind, _ traits: [InputField.Trait], absent: Value?,
        reading read: (InputReader) throws(MMError) -> Value?
    ) {
        let field = InputField(name, kind, summary, traits: traits)
        self.init(absent == nil ? field.with(.required) : field, absent: absent, reading: read)
    }
}

extension Argument where Value: ArgumentValue {
    /// An argument that a call must have.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, Value.kind, traits, absent: nil) { reader throws(MMError) in
            try Value.read(name, from: reader)
        }
    }

    /// An argument with a default.
    public init(wrappedValue: Value, _ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, Value.kind, traits, absent: wrappedValue) { reader throws(MMError) in
            try Value.read(name, from: reader)
        }
    }

    /// An argument that a call must have, as several operations have it.
    package init(_ field: InputField) {
        self.init(field.with(.required), absent: nil) { reader throws(MMError) in
            try Value.read(field.name, from: reader)
        }
    }
}

extension Argument {
    /// An argument that may be left out.
    public init<Given: ArgumentValue>(_ name: String, _ summary: String, _ traits: InputField.Trait...)
    where Value == Given? {
        self.init(name, summary, Given.kind, traits, absent: .some(nil)) { reader throws(MMError) in
            try Given.read(name, from: reader)
        }
    }

    /// An argument that may be left out, as several operations have it.
    package init<Given: ArgumentValue>(_ field: InputField) where Value == Given? {
        self.init(field, absent: .some(nil)) { reader throws(MMError) in try Given.read(field.name, from: reader) }
    }

    /// A text that means something else, and may be left out.
    /// - Parameter meaning: what the text means; its error names the argument and the remedy.
    public init<Given: Sendable>(
        _ name: String, _ summary: String, _ traits: InputField.Trait...,
        as meaning: (String) throws(MMError) -> Given
    ) where Value == Given? {
        self.init(name, summary, .text, traits, absent: .some(nil)) { reader throws(MMError) in
            guard let text = try reader.text(name) else { return nil }
            return try meaning(text)
        }
    }

    /// Texts that mean something else.
    /// - Parameter meaning: what they mean together; its error names the argument and the remedy.
    public init(
        wrappedValue: Value, _ name: String, _ summary: String, _ traits: InputField.Trait...,
        asAll meaning: ([String]) throws(MMError) -> Value
    ) {
        self.init(
            wrappedValue: wrappedValue, InputField(name, .textList, summary, traits: traits), asAll: meaning)
    }

    /// Texts that mean something else, as several operations have them.
    public init(
        wrappedValue: Value, _ field: InputField, asAll meaning: ([String]) throws(MMError) -> Value
    ) {
        self.init(field, absent: wrappedValue) { reader throws(MMError) in
            guard let texts = try reader.textList(field.name) else { return nil }
            return try meaning(texts)
        }
    }
}

extension Argument where Value == Bool {
    /// A yes, or a no where it is left out.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .flag, traits, absent: false) { reader throws(MMError) in try reader.flag(name) }
    }

    /// A yes or no that several operations have.
    package init(_ field: InputField) {
        self.init(field, absent: false) { reader throws(MMError) in try reader.flag(field.name) }
    }
}

extension Argument where Value == [String] {
    /// Any number of texts; none where it is left out.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .textList, traits, absent: []) { reader throws(MMError) in
            try reader.textList(name)
        }
    }
}

extension Argument where Value == Int? {
    /// A whole number within bounds.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait..., in range: ClosedRange<Int>) {
        self.init(name, summary, .integer(range), traits, absent: .some(nil)) { reader throws(MMError) in
            try reader.integer(name)
        }
    }
}

extension Argument where Value == Int {
    /// A whole number within bounds, with a default.
    public init(
        wrappedValue: Int, _ name: String, _ summary: String, _ traits: InputField.Trait..., in range: ClosedRange<Int>
    ) {
        self.init(name, summary, .integer(range), traits, absent: wrappedValue) { reader throws(MMError) in
            try reader.integer(name)
        }
    }
}

extension Argument where Value == String? {
    /// One of these words.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait..., of words: [String]) {
        self.init(name, summary, .choice(words), traits, absent: .some(nil)) { reader throws(MMError) in
            try reader.text(name)
        }
    }
}

extension Argument where Value == String {
    /// One of these words, with a default.
    public init(
        wrappedValue: String, _ name: String, _ summary: String, _ traits: InputField.Trait..., of words: [String]
    ) {
        self.init(name, summary, .choice(words), traits, absent: wrappedValue) { reader throws(MMError) in
            try reader.text(name)
        }
    }
}

extension Argument where Value == [(name: String, value: String)] {
    /// Named parameters, in the order written.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .parameters, traits, absent: []) { reader throws(MMError) in
            try reader.parameters(name)
        }
    }
}

extension Argument where Value == [(name: String, value: JSONValue)] {
    /// Values for the parameters of a script, in the order written.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .arguments, traits, absent: []) { reader throws(MMError) in
            try reader.arguments(name)
        }
    }
}

extension Argument where Value == [(tool: String, arguments: JSONObject)] {
    /// Calls of other operations, in order.
    public init(_ name: String, _ summary: String, _ traits: InputField.Trait...) {
        self.init(name, summary, .calls, traits, absent: []) { reader throws(MMError) in try reader.calls(name) }
    }
}

/// A type that arguments have: how a call writes it. An enumeration of words needs nothing but the conformance.
public protocol ArgumentValue: Sendable {
    /// What values it takes.
    static var kind: InputField.Kind { get }
    /// Reads the argument of this name; `nil` where the call leaves it out.
    /// - Throws: `MMError.invalidInput` that names the argument and the remedy.
    static func read(_ name: String, from reader: InputReader) throws(MMError) -> Self?
}

extension ArgumentValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    /// One of its cases.
    public static var kind: InputField.Kind { .choice(allCases.map(\.rawValue)) }

    /// Reads a case by its word.
    public static func read(_ name: String, from reader: InputReader) throws(MMError) -> Self? {
        try reader.text(name).flatMap { Self(rawValue: $0) }
    }
}

extension String: ArgumentValue {
    /// Any text.
    public static var kind: InputField.Kind { .text }

    /// Reads a text; an empty one is none.
    public static func read(_ name: String, from reader: InputReader) throws(MMError) -> String? {
        try reader.text(name)
    }
}

extension JSONObject: ArgumentValue {
    /// An object.
    public static var kind: InputField.Kind { .object }

    /// Reads an object, or a text that is the JSON of one.
    public static func read(_ name: String, from reader: InputReader) throws(MMError) -> JSONObject? {
        try reader.object(name)
    }
}

/// What the arguments of an input describe themselves to, or take their values from, while it is made; see ``Argument``.
final class ArgumentReading: Sendable {
    @TaskLocal static var current: ArgumentReading?

    private struct State {
        var fields: [InputField] = []
        var fault: MMError?
    }
    /// What the call gave; `nil` while the arguments are only described.
    private let reader: InputReader?
    private let state = Mutex(State())

    private init(_ reader: InputReader?) { self.reader = reader }

    /// The arguments that an input declares, in its order.
    static func fields<Input: OperationInput>(of input: Input.Type) -> [InputField] {
        let reading = ArgumentReading(nil)
        _ = $current.withValue(reading) { Input() }
        return reading.state.withLock { $0.fields }
    }

    /// An input with the arguments of a call.
    /// - Throws: what is wrong with the first argument that isn't right.
    static func input<Input: OperationInput>(from reader: InputReader) throws(MMError) -> Input {
        let reading = ArgumentReading(reader)
        let input = $current.withValue(reading) { Input() }
        if let fault = reading.state.withLock({ $0.fault }) { throw fault }
        return input
    }

    /// Notes or reads what one property stands for. After a fault nothing more is read.
    fileprivate func take<Value>(
        _ fields: [InputField], _ read: (InputReader) throws(MMError) -> Value?
    ) -> Value? {
        guard let reader else {
            state.withLock { $0.fields += fields }
            return nil
        }
        guard state.withLock({ $0.fault == nil }) else { return nil }
        do throws(MMError) {
            if let value = try read(reader) { return value }
            for field in fields where field.isRequired { throw reader.missing(field.name) }
        } catch {
            state.withLock { $0.fault = error }
        }
        return nil
    }
}
