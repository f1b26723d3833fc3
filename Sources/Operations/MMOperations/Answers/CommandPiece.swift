package import MMCore

/// A piece of what a command wrote, as a row of an answer that flows: `{"stdout": "…"}`, exact also where it is no text.
package struct CommandPiece: Sendable, Hashable {
    /// Whether it stands on the command's standard error; else on its standard output.
    package var isError: Bool
    /// The bytes.
    package var bytes: [UInt8]

    /// A piece.
    package init(_ bytes: [UInt8], isError: Bool) {
        self.bytes = bytes
        self.isError = isError
    }

    /// The row.
    package var row: ArraySlice<UInt8> {
        var object = JSONObject()
        let key = isError ? "stderr" : "stdout"
        if let text = String(validating: bytes, as: UTF8.self) {
            object[key] = .string(text)
        } else {
            object[key] = .string(Base64.text(bytes))
            object["encoding"] = "base64"
        }
        return JSONWriter.bytes(.object(object))[...]
    }

    /// The piece of a row.
    /// - Throws: `remoteFailed` when it is none.
    package init(row: ArraySlice<UInt8>) throws(MMError) {
        let object = (try? JSONParser.parse(row))?.object
        let isError = object?["stderr"] != nil
        let text = object?[isError ? "stderr" : "stdout"]?.string
        let bytes = object?["encoding"] == "base64" ? text.flatMap { Base64.bytes($0) } : text.map { Array($0.utf8) }
        guard let bytes else { throw MMError(.remoteFailed, "A piece of the command's output can't be read.") }
        self.init(bytes, isError: isError)
    }
}
