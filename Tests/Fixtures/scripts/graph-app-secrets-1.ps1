Connect-MgGraph -Scopes "User.Read.All", "Directory.Read.All" -NoWelcome
$soon = (Get-Date).AddDays(30)
Get-MgApplication -All | ForEach-Object {
    $app = $_
    $app.PasswordCredentials | Where-Object { $_.EndDateTime -lt $soon } |
        Select-Object @{ n = 'App'; e = { $app.DisplayName } }, EndDateTime
}
Disconnect-MgGraph -ErrorAction SilentlyContinue
