internal import CSandboxPages
internal import MMCore

/// A page with places to fill in: `{{name}}`.
struct PageTemplate: Sendable {
    private let text: String

    private init(_ page: sandbox_page) {
        text = String(decoding: UnsafeBufferPointer(start: page.bytes, count: page.count), as: UTF8.self)
    }

    static let frame = PageTemplate(sandbox_page_frame())
    static let code = PageTemplate(sandbox_page_code())
    static let approval = PageTemplate(sandbox_page_approval())

    /// The page with its places filled. Texts are escaped, markup is taken as it is; a place without a value stays empty.
    func filled(texts: [String: String], markup: [String: String] = [:]) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            result += rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { break }
            let name = String(rest[..<close.lowerBound])
            result += markup[name] ?? HTMLText.escaped(texts[name] ?? "")
            rest = rest[close.upperBound...]
        }
        return result + rest
    }
}
