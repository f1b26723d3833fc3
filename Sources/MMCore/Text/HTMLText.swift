/// Texts inside HTML pages and XML documents.
package enum HTMLText {
    /// Returns a text as it may stand in an element or in a quoted attribute.
    ///
    /// Code points are escaped, not characters: to a browser `<` stays markup before a combining mark.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
