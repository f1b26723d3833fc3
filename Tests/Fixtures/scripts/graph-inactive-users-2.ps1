$RequiredScopes = @("User.Read.All", "Group.Read.All")
if (!(Get-Module -ListAvailable -Name Microsoft.Graph)) {
    Set-PSRepository -Name PSGallery -InstallationPolicy Trusted
    Install-Module -Name Microsoft.Graph -Force -AllowClobber
}
Connect-Graph -Scopes $RequiredScopes
$since = (Get-Date).AddDays(-90)
$users = Get-MgUser -All -Property DisplayName, UserPrincipalName, SignInActivity
$idle = $users | Where-Object { $_.SignInActivity.LastSignInDateTime -lt $since }
$idle | Select-Object DisplayName, UserPrincipalName | Export-Csv inactive.csv -NoTypeInformation
Write-Host "$($idle.Count) users have not signed in" -ForegroundColor Cyan
Disconnect-MgGraph | Out-Null
