$RequiredScopes = @("User.Read.All", "Group.Read.All")
if (!(Get-Module -ListAvailable -Name Microsoft.Graph)) {
    Set-PSRepository -Name PSGallery -InstallationPolicy Trusted
    Install-Module -Name Microsoft.Graph -Force -AllowClobber
}
Connect-Graph -Scopes $RequiredScopes
$soon = (Get-Date).AddDays(30)
Get-MgApplication -All | ForEach-Object {
    $app = $_
    $app.PasswordCredentials | Where-Object { $_.EndDateTime -lt $soon } |
        Select-Object @{ n = 'App'; e = { $app.DisplayName } }, EndDateTime
}
