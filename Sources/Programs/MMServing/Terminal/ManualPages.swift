import MMCLI
import MMCore
import MMOperations

/// `mm man`: the manual pages, written into a folder or shown one by one.
enum ManualPages {
    /// The command.
    static func command(_ catalogue: Catalogue, _ others: [LocalCommand]) -> LocalCommand {
        LocalCommand(
            ["man"], summary: "Print a manual page, or write all of them into a folder.",
            fields: [
                InputField(
                    "noun", .text, "The command's first word, such as graph; mm itself when left out.",
                    at: .positional(0)),
                InputField("to", .text, "The folder to write all pages into, such as ~/.local/share/man/man1."),
            ],
            examples: [
                .init("mm man graph | man -l -", "reads the page of mm graph"),
                .init("mm man --to /tmp/man1", "writes mm.1, mm-graph.1 and the others"),
            ]
        ) { (input, _, streams) throws(MMError) in
            let index = CommandIndex(catalogue: catalogue, locals: others + [Self.command(catalogue, others)])
            let pages = ManualPage.all(index, date: .now)
            if let folder = try input.text("to") {
                for page in pages {
                    try ProtectedFile.replace("\(folder)/\(page.name).1", with: Array(page.text.utf8), mode: 0o644)
                }
                return 0
            }
            let noun = try input.text("noun")
            let name = noun.map { "mm-\($0)" } ?? "mm"
            guard let page = pages.first(where: { $0.name == name }) else {
                throw index.unknown([noun ?? ""])
            }
            try streams.write(Array(page.text.utf8))
            return 0
        }
    }
}
