module github.com/cristalhq/jwt/v4

go 1.26.0
