import MMNative
import Testing

/// Which errors of commands, and of what follows them in a pipeline, end the statement. The results are those of a real
/// PowerShell.
@Suite("Errors that end a statement", .timeLimit(.minutes(5)))
struct CaughtErrors: RunningReports {
    @Test(
        "an error behind a command that collects its input, or in a block that it runs, is caught",
        arguments: [
            "'a,b', '1,2' | Set-Content f.csv; try { Import-Csv f.csv | % { $_.a.Foo() }; 'on' } catch { 'caught' }",
            "try { 'a' | Tee-Object -Variable z | % { [int]$_ }; 'on' } catch { 'caught' }",
            "try { 'a' | Select-String -Quiet a | % { $_.Matches[1].Value }; 'on' } catch { 'caught' }",
            "try { Compare-Object 1, 2 2, 3 | % { throw 'in' }; 'on' } catch { 'caught' }",
            "try { Invoke-Command { [int]'x'; 2 }; 'on' } catch { 'caught' }",
            "try { Invoke-Expression '[int]\"x\"; 2'; 'on' } catch { 'caught' }",
        ])
    func behind(script: String) async throws {
        #expect(try await texts(script) == ["caught"], "\(script)")
    }

    @Test(
        "so is a missing list or path, and a file that is to be read whole, whatever -ErrorAction says",
        arguments: [
            ("Compare-Object @(1) $null", "ParameterArgumentValidationErrorNullNotAllowed", "CompareObjectCommand"),
            (
                "Compare-Object @(1) $null -ErrorAction SilentlyContinue",
                "ParameterArgumentValidationErrorNullNotAllowed", "CompareObjectCommand"
            ),
            ("1 | Format-Wide -Column 2 -AutoSize", "FormatCannotSpecifyAutosizeAndColumns", "FormatWideCommand"),
            ("1 | Join-String -Nope 1", "NamedParameterNotFound", "Utility.JoinStringCommand"),
            ("Import-Csv nope.csv", "FileOpenFailure", "ImportCsvCommand"),
            ("Import-Csv nope.csv -ErrorAction SilentlyContinue", "FileOpenFailure", "ImportCsvCommand"),
            ("Import-Clixml nope.xml", "FileOpenFailure", "ImportClixmlCommand"),
            ("Import-Csv $null", "ParameterArgumentValidationError", "ImportCsvCommand"),
            ("Import-Csv ''", "ParameterArgumentValidationError", "ImportCsvCommand"),
            ("Get-Content $null", "ParameterArgumentValidationErrorNullNotAllowed", "GetContentCommand"),
            ("Get-Content ''", "ParameterArgumentValidationErrorEmptyStringNotAllowed", "GetContentCommand"),
            ("Split-Path $null", "ParameterArgumentValidationErrorNullNotAllowed", "SplitPathCommand"),
            ("Split-Path '' -Leaf", "ParameterArgumentValidationErrorEmptyStringNotAllowed", "SplitPathCommand"),
            ("Join-Path $null a", "ParameterArgumentValidationErrorNullNotAllowed", "JoinPathCommand"),
            ("Join-Path '' a", "ParameterArgumentValidationErrorEmptyStringNotAllowed", "JoinPathCommand"),
            ("Remove-Item $null", "ParameterArgumentValidationErrorNullNotAllowed", "RemoveItemCommand"),
            ("1 | Out-File ''", "ParameterArgumentValidationErrorEmptyStringNotAllowed", "OutFileCommand"),
            ("'a' | Select-String ''", "ParameterArgumentValidationErrorEmptyStringNotAllowed", "SelectStringCommand"),
            (
                "Invoke-Expression ''", "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                "InvokeExpressionCommand"
            ),
        ])
    func ended(command: String, id: String, type: String) async throws {
        let script = "try { \(command); 'on' } catch { $_.FullyQualifiedErrorId }"
        #expect(try await texts(script) == ["\(id),Microsoft.PowerShell.Commands.\(type)"], "\(command)")
    }

    @Test("an error that ends the statement leaves a variable as it was")
    func unassigned() async throws {
        guard case .completed(let result) = await outcome("$r = 5; $r = Import-Csv nope.csv; \"r=$r\"") else {
            Issue.record("the script did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["r=5"] && result.errors.count == 1)
    }

    @Test(
        "what a command only reports is not caught",
        arguments: [
            "Get-Content nope.txt", "Get-Item nope.txt", "Remove-Item nope.txt", "Copy-Item nope.txt x.txt",
            "Set-Location nope", "New-Variable q 1; New-Variable q 2",
            "'x' | Set-Content f.txt; $null = New-Item f.txt",
            "[pscustomobject]@{ A = 1 } | Add-Member NoteProperty A 2", "@() | Get-Member", "$null | Get-Member",
            "$null | % Replace a b",
        ])
    func reported(command: String) async throws {
        guard case .completed(let result) = await outcome("try { \(command); 'on' } catch { 'caught' }") else {
            Issue.record("\(command) did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["on"] && result.errors.count == 1, "\(command): \(result.errors)")
    }

    @Test(
        "the id of Write-Error is the given one, or the type of its exception, with the function that calls it",
        arguments: [
            ("Write-Error m -ErrorId X", "X"), ("Write-Error m", "Microsoft.PowerShell.Commands.WriteErrorException"),
            ("function f { Write-Error m -ErrorId X }; f", "X,f"),
            ("function f { 1 | % { Write-Error m } }; f", "Microsoft.PowerShell.Commands.WriteErrorException,f"),
            ("function f { & { Write-Error m -ErrorId X } }; f", "X"),
            ("Write-Error -Exception ([InvalidOperationException]::new('bad'))", "System.InvalidOperationException"),
            ("Write-Error -Message m -Exception ([ArgumentException]::new('bad'))", "System.ArgumentException"),
        ])
    func written(script: String, id: String) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.errors.map(\.id) == [id], "\(script)")
    }

    @Test("no path is the current folder, or no folder at all")
    func withoutPath() async throws {
        #expect(try await texts("Test-Path ''; Set-Location ''; @(Get-ChildItem $null).Count") == ["False", "0"])
    }
}
