import MMCore
import TestSupport
import Testing

/// The pages of the documentation, and other files of the package.
enum DocumentedPages {
    /// The paths of all pages, from the package's folder on.
    static let all: [String] = {
        let docs = (try? FolderListing.names(in: BuiltPrograms.packageFolder + "/Docs")) ?? []
        return ["README.md", "AGENTS.md", "CONTRIBUTING.md", "SECURITY.md"]
            + docs.filter { $0.hasSuffix(".md") }.sorted().map { "Docs/" + $0 }
    }()

    /// Returns the text of a file of the package.
    static func text(_ path: String) throws -> String {
        let bytes = try #require(try ProtectedFile.read(BuiltPrograms.packageFolder + "/" + path), "\(path)")
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns the paths of the files below a folder of the package whose names have this ending.
    static func files(below folder: String, ending: String) -> [String] {
        ((try? FolderListing.names(in: BuiltPrograms.packageFolder + "/" + folder)) ?? []).flatMap { name in
            name.hasSuffix(ending)
                ? ["\(folder)/\(name)"]
                : name.contains(".") ? [] : files(below: "\(folder)/\(name)", ending: ending)
        }
    }

    /// Returns a page's lines outside of its code blocks.
    static func prose(of text: String) -> [Substring] {
        var isCode = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isCode.toggle()
                return false
            }
            return !isCode
        }
    }
}
