internal import MMCore

/// The texts of messages.
enum MessageText {
    /// The first line or two of a body.
    static func preview(_ body: JSONValue?) -> String {
        let content = body?["content"]?.string ?? ""
        return String((body?["contentType"]?.string?.lowercased() == "html" ? plain(content) : content).prefix(255))
    }

    /// A text without its markup.
    static func plain(_ content: String) -> String {
        var text = ""
        var inTag = false
        for character in content {
            switch character {
            case "<": inTag = true
            case ">": inTag = false
            default: if !inTag { text.append(character) }
            }
        }
        return text
    }
}
