/// One event in two forms: a text line for people and a JSON line for programs.
struct LogLine: Sendable {
    let level: Log.Level
    let origin: String
    let place: String?
    let text: String
    let fields: JSONObject
    let time: Timestamp
    /// The Entra error code in the text, such as `AADSTS50076`.
    let signInError: String?

    private static let textLimit = 8000

    init(level: Log.Level, origin: String, place: String?, text: String, fields: JSONObject, time: Timestamp) {
        let plain = Self.oneLine(text)
        signInError = Self.signInError(in: plain)
        self.level = signInError == nil ? level : max(level, .warning)
        self.origin = Self.oneLine(origin)
        self.place = place.map(Self.oneLine)
        self.text = plain
        self.fields = fields
        self.time = time
    }

    /// `YYYY-MM-DD HH:MM:SS [LEVEL] session_pool - [NAME/module] text`; the text of a failed sign-in is prefixed as
    /// such.
    var plain: [UInt8] {
        let scope = place.map { "[\($0)] " } ?? ""
        let alarm = signInError.map { "SIGN-IN FAILED (\($0)): " } ?? ""
        return Array("\(time.localLog) [\(level.word)] \(origin) - \(scope)\(alarm)\(text)\n".utf8)
    }

    /// The event as JSON, with the time in UTC and the fields.
    var json: [UInt8] {
        var object: JSONObject = [
            "time": .string(time.iso8601Milliseconds), "level": .string(level.word), "logger": .string(origin),
        ]
        object["session"] = place.map { .string($0) }
        object["text"] = .string(text)
        object["signInError"] = signInError.map { .string($0) }
        for (key, value) in fields where object[key] == nil { object[key] = value }
        return JSONWriter.bytes(.object(object)) + [0x0A]
    }

    /// The line with its text cut short and without its fields.
    var shortened: LogLine {
        LogLine(level: level, origin: origin, place: place, text: text.prefix(400) + "…", fields: [:], time: time)
    }

    /// Returns a text on one line without control characters, so that it can neither forge another line nor send
    /// commands to the reader's terminal.
    private static func oneLine(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        var broken = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\r", "\u{2028}", "\u{2029}", "\u{85}":
                broken = true
                continue
            case "\t": scalars.append(" ")
            default:
                if broken {
                    scalars.append(contentsOf: " | ".unicodeScalars)
                    broken = false
                }
                let control = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                scalars.append(control ? "\u{FFFD}" : scalar)
            }
            if scalars.count >= textLimit {
                scalars.append(contentsOf: "…".unicodeScalars)
                break
            }
        }
        return String(scalars)
    }

    /// Entra's code for "authorization pending": the person hasn't finished the sign-in yet.
    private static let pending = "AADSTS70016"

    private static func signInError(in text: String) -> String? {
        let bytes = Array(text.utf8)
        let word = Array("AADSTS".utf8)
        guard bytes.count > word.count else { return nil }
        for start in 0...bytes.count - word.count where bytes[start] == word[0] {
            guard bytes[start..<start + word.count].elementsEqual(word) else { continue }
            let digits = bytes[(start + word.count)...].prefix { (0x30...0x39).contains($0) }
            let code = String(decoding: word + digits, as: UTF8.self)
            if !digits.isEmpty, code != pending { return code }
        }
        return nil
    }
}
