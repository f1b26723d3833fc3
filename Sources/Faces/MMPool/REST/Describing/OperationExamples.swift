import MMCore
import MMOperations

/// The example arguments of operations. They are declared as command lines, and parsed here as by the terminal.
enum OperationExamples {
    /// Returns the examples in OpenAPI's form: by name, each with summary and value. Command lines that use what
    /// arguments can't express (files, pipes, options of the terminal) are left out.
    static func of(_ operation: AnyOperation) -> JSONObject {
        var examples = JSONObject()
        for example in operation.declaration.examples {
            guard let arguments = arguments(of: example.command, operation) else { continue }
            examples["example\(examples.count + 1)"] = [
                "summary": .string(example.purpose), "value": .object(arguments),
            ]
        }
        return examples
    }

    private static func arguments(of command: String, _ operation: AnyOperation) -> JSONObject? {
        let prefix = ["mm"] + operation.declaration.command
        guard var words = words(of: command)?[...], words.prefix(prefix.count).elementsEqual(prefix) else { return nil }
        words = words.dropFirst(prefix.count)
        var arguments = JSONObject()
        var position = 0
        while let word = words.popFirst() {
            let field: InputField?
            if word.hasPrefix("--") {
                field = operation.fields.first { $0.flagName == word.dropFirst(2) }
            } else if word.hasPrefix("-"), word.count == 2 {
                field = operation.fields.first { $0.placement == .option(word.last) }
            } else {
                field = operation.fields.first { $0.placement == .positional(position) }
                position += 1
                words = [word] + words
            }
            guard let field else { return nil }
            if field.kind == .flag {
                arguments[field.name] = true
                continue
            }
            guard let text = words.popFirst(), let value = value(text, field) else { return nil }
            arguments[field.name] = value
        }
        let reader = try? InputReader(
            operation: operation.declaration.name, arguments: arguments, fields: operation.fields)
        return reader == nil ? nil : arguments
    }

    private static func value(_ text: String, _ field: InputField) -> JSONValue? {
        if text == "-" || (field.readsFiles && text.hasPrefix("@")) { return nil }
        switch field.kind {
        case .text: return .string(text)
        case .choice(let choices): return choices.contains(text) ? .string(text) : nil
        case .integer(let range):
            return Int(text).flatMap { range.contains($0) ? .int(Int64($0)) : nil }
        case .object: return (try? JSONParser.parse(text)).flatMap { $0.object.map { .object($0) } }
        case .parameters, .arguments: return .string(text)
        case .textList: return [.string(text)]
        case .flag: return nil
        }
    }

    /// Splits a command line into words and removes quotes; returns `nil` if it contains anything but words.
    private static func words(of command: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in command {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
                continue
            }
            switch character {
            case "'", "\"":
                quote = character
                word = word ?? ""
            case " ":
                if let done = word { words.append(done) }
                word = nil
            case "|", ">", "<", ";", "$", "`", "\\": return nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let done = word { words.append(done) }
        return quote == nil ? words : nil
    }
}
